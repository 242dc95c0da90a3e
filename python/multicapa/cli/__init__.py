"""The command line: ``multicapa demo | train | predict | evaluate | info``."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from multicapa.cli.output import CommandError, complain
from multicapa.cli.parser import build_parser
from multicapa.errors import DivergenceError
from multicapa.table import TableError

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
        0 when all went well, 2 for wrong usage or data, 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a class name the terminal cannot show is no reason to fail
    try:
        options = build_parser().parse_args(arguments)
        options.run(options)
        sys.stdout.flush()
    except (CommandError, TableError) as error:
        return complain(str(error))
    except DivergenceError as error:
        return complain(f"training blew up in epoch {error.epoch + 1}. Try a smaller step: --learning-rate 0.0001")
    except BrokenPipeError:  # whoever read our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    except KeyboardInterrupt:
        complain("stopped")
        return 130
    return 0
