"""Tables of numbers, categories and dates: columns become the inputs of a network, its outputs become answers.

What ``multicapa train`` learnt from a table lies in the metadata of the network it saved, as plain numbers and names;
so new tables with the same columns can be read the same way: ``TableModel.load("model.safetensors").predict(frame)``.
"""

from multicapa.data.table.columns import MISSING, Columns, Encoded
from multicapa.data.table.dates import DATE_ORDERS, DateColumn, DateError, date_format
from multicapa.data.table.kinds import CategoryColumn, Column, Kind, NumberColumn
from multicapa.data.table.model import TableModel
from multicapa.data.table.series import (
    Frame,
    MissingValuesError,
    Series,
    TableError,
    as_numbers,
    as_texts,
    is_date_column,
    is_missing,
    is_number_column,
    listed,
    near,
)
from multicapa.data.table.targets import ClassTarget, NumberTarget, Target

__all__ = [
    "DATE_ORDERS",
    "MISSING",
    "CategoryColumn",
    "ClassTarget",
    "Column",
    "Columns",
    "DateColumn",
    "DateError",
    "Encoded",
    "Frame",
    "Kind",
    "MissingValuesError",
    "NumberColumn",
    "NumberTarget",
    "Series",
    "TableError",
    "TableModel",
    "Target",
    "as_numbers",
    "as_texts",
    "date_format",
    "is_date_column",
    "is_missing",
    "is_number_column",
    "listed",
    "near",
]
