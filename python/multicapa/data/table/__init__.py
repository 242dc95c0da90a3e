"""Tables of numbers, categories and dates: columns become the inputs of a network, its outputs become answers.

What ``multicapa train`` learnt from a table lies in the metadata of the network it saved, as plain numbers and names;
so new tables with the same columns can be read the same way: ``TableModel.load("model.safetensors").predict(frame)``.
"""

from multicapa.data.table.columns import MISSING, Columns, Encoded
from multicapa.data.table.dates import DATE_ORDERS, DateColumn, DateError, date_format
from multicapa.data.table.frames import float_columns, gaps_in, read_frame
from multicapa.data.table.kinds import CategoryColumn, Column, Kind, NumberColumn
from multicapa.data.table.model import TableModel
from multicapa.data.table.series import (
    Frame,
    MissingValuesError,
    Series,
    TableError,
    as_numbers,
    as_texts,
    composed,
    exact_numbers,
    is_date_column,
    is_missing,
    is_number_column,
    listed,
    near,
)
from multicapa.data.table.targets import ClassTarget, NumberTarget, Target
from multicapa.data.table.written import DECIMALS, PLAIN, Found, Written, find_written, numbers_in

__all__ = [
    "DATE_ORDERS",
    "DECIMALS",
    "MISSING",
    "PLAIN",
    "CategoryColumn",
    "ClassTarget",
    "Column",
    "Columns",
    "DateColumn",
    "DateError",
    "Encoded",
    "Found",
    "Frame",
    "Kind",
    "MissingValuesError",
    "NumberColumn",
    "NumberTarget",
    "Series",
    "TableError",
    "TableModel",
    "Target",
    "Written",
    "as_numbers",
    "as_texts",
    "composed",
    "date_format",
    "exact_numbers",
    "find_written",
    "float_columns",
    "gaps_in",
    "is_date_column",
    "is_missing",
    "is_number_column",
    "listed",
    "near",
    "numbers_in",
    "read_frame",
]
