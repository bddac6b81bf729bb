"""The models say what the tables have."""

import pytest

from store.tables import Table

TYPES = {
    "AUTO": {"INTEGER", "bigint"},
    "BIGAUTO": {"INTEGER", "bigint"},
    "BIGINT": {"BIGINT", "bigint"},
    "BOOL": {"INTEGER", "boolean"},
    "FLOAT": {"DOUBLE PRECISION", "double precision"},
    "JSONB": {"TEXT", "jsonb"},
    "TEXT": {"TEXT", "text"},
}
"""The types of a column, on SQLite and on Postgres, by that of the model's field."""


@pytest.mark.parametrize("model", Table.__subclasses__(), ids=lambda model: model.__name__)
def test_a_model_has_the_columns_of_its_table(database, model):
    columns = {column.name: column for column in database.db.get_columns(model._meta.table_name)}
    assert columns.keys() == model._meta.columns.keys()
    keys = {field.name for field in model._meta.get_primary_keys()}
    for name, field in model._meta.columns.items():
        is_sqlite = type(database.dialect).__name__ == "Sqlite"
        assert columns[name].data_type in TYPES[field.field_type]
        assert (columns[name].data_type == columns[name].data_type.upper()) == is_sqlite
        assert name in keys or columns[name].null == field.null
