"""Macros of a project."""
from __future__ import annotations
import typing as t
from sqlglot import exp
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator, SQL

REGIONS = ["eu", "us"]
LIMITS: t.Dict[str, int] = {"eu": 3, "us": 5}

def _quoted(name):
    return f'"{name}"'

@macro()
def cents(evaluator: MacroEvaluator, column: str, scale: int = 100) -> str:
    """In cents."""
    return f"({column} * {scale})::INT"

@macro()
def by_region(evaluator, *columns: str):
    parts = []
    for column in columns:
        for region in REGIONS:
            parts.append(f"{column} <= {LIMITS[region]} AS {column}_{region}")
    return parts

@macro("SAFE_DIVIDE")
def divide(evaluator, a: exp.Expression, b: exp.Expression) -> exp.Case:
    return exp.Case(
        ifs=[exp.If(this=exp.EQ(this=b.copy(), expression=exp.Literal.number(0)), true=exp.null())],
        default=exp.Div(this=a.copy(), expression=b.copy()),
    )

@macro("ASSERT")
def assert_macro(evaluator, condition: exp.Expression, message: exp.Expression):
    return exp.Case().when(exp.not_(condition), exp.func("ERROR", message))

@macro()
def listed(evaluator, columns: t.List[str], prefix: t.Optional[str] = None):
    if not columns:
        raise ValueError("no column is given")
    names = [prefix + "_" + name if prefix else name for name in columns if name != "skip"]
    return ", ".join(_quoted(name.upper()) for name in names)

@macro()
def path(evaluator: MacroEvaluator) -> str:
    return f"'{evaluator.var('data_path')}/x.csv'" + (" -- late" if evaluator.runtime_stage == "creating" else "")

@macro()
def nothing(evaluator):
    if evaluator.runtime_stage == "creating":
        return "CREATE INDEX x"
    return None

@macro()
def pattern(evaluator, name_col: str) -> str:
    return f"regexp_extract({name_col}, '/(\\d{{4}})-[^/]+\\.csv$', 1)"

@macro()
def keyed(evaluator, **kwargs):
    return [f"{value.sql()} AS {name}" for name, value in kwargs.items()]

@macro()
def table(evaluator, t: exp.Table):
    return f"CREATE INDEX {t.name}_idx ON {t}"

@macro()
def steal(evaluator):
    import os
    return os.environ["SECRET"]

@macro()
def spawn(evaluator):
    return __import__("subprocess").check_output("id")

@macro()
def endless(evaluator):
    x = []
    for i in range(100000):
        for j in range(100000):
            x.append(i)
    return x

@macro()
def recursive(evaluator):
    return grow("x")

def grow(x):
    return grow(x)

@macro()
def decides(evaluator, day):
    return "1" if day == "2026-01-01" else "2"

@macro()
def passes(evaluator, day):
    return f"DATE {day}"

@macro()
def hung(evaluator):
    x = ["a"]
    for i in range(40):
        x = [x, x]
    return "1" if x else "2"

@macro()
def circle(evaluator):
    x = []
    x.append(x)
    return x

@macro()
def grown(evaluator):
    x = ["a"]
    for i in range(40):
        x += x
    return x

@macro()
def filled(evaluator):
    x = "a" * 1000000
    return ("{0}" * 30000).format(x)

@macro()
def looked(evaluator):
    x = "a" * 1000000
    for i in range(15000):
        x[0]
    return "1"

@macro()
def counted(evaluator):
    return [f"{n}" for n, x in enumerate(["a", "b"], 9223372036854775807)]

@macro()
def written(evaluator, a):
    return "1" if f"{a}" == "null" else "2"

@macro()
def summed(evaluator, a, b=exp.null()):
    return a + b
