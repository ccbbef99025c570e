"""What metrics are made of: functions on features, images, codes and decisions."""
