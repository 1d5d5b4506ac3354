from sakimori.detect import ir
def predicate(term: ir.Predicate, column: str, rule: str = "") -> str: raise NotImplementedError
def finds(column: str, expression: str) -> str: raise NotImplementedError
def literal(text: str, rule: str = "") -> str: raise NotImplementedError
