# SPDX-License-Identifier: Apache-2.0
"""What scripts/bench is made of: servers under test, loads, sections, and the page written from their raw data."""
