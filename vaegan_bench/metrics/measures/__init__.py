"""What metrics are made of: functions on features, pictures, codes and decisions."""
