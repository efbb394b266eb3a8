# SPDX-License-Identifier: Apache-2.0
"""What the compatibility suites share: server processes, built client programs, raw frames, verdicts."""
