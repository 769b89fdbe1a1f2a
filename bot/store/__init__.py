"""The ledger: what was decided, on disk before anything leaves.

Only `app` and `cli` import from here. This file stays empty of imports: a reading verb asks
`store.reader` alone and must not pay for SQLAlchemy.
"""
