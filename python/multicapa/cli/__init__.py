"""The command line: ``multicapa demo | train | search | predict | evaluate | plot | info``."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from multicapa.base.errors import DivergenceError
from multicapa.cli.output import CommandError, complain
from multicapa.cli.parser import parse
from multicapa.data.table import TableError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 when all went well, 1 when the run failed, 2 for wrong usage, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a class name the terminal cannot show is no reason to fail
    try:
        parse(arguments)
        sys.stdout.flush()
    except CommandError as error:
        return _failed(str(error), error.code)
    except TableError as error:
        return _failed(str(error))
    except DivergenceError as error:
        return _failed(f"training blew up in epoch {error.epoch}. Try a smaller step: --learning-rate 0.0001")
    except BrokenPipeError:  # whoever read our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    except MemoryError as error:
        return _failed(f"there is not enough memory{f': {error}' if str(error) else ''}")
    except KeyboardInterrupt:
        return _failed("stopped", 130)
    return 0


def _failed(why: str, code: int = 1) -> int:
    complain(why)
    return code
