"""For plugin authors' tests: the conformance checks, and small data and runs for tests of their own.

```python
import pytest
from vaegan_bench.testing import cases

@pytest.mark.parametrize("case", cases("my_loss.py"), ids=str)
def test_my_loss_keeps_the_contract(case):
    case()
```
"""

from vaegan_bench.testing.cases import Case, cases
from vaegan_bench.testing.small import NETWORKS, Blobs, blobs, small_run
from vaegan_bench.testing.verdicts import ConformanceError

__all__ = ["NETWORKS", "Blobs", "Case", "ConformanceError", "blobs", "cases", "small_run"]
