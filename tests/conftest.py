"""What the tests share has pytest's assertions too, which show what was compared."""

import pytest

pytest.register_assert_rewrite("tests.support")
