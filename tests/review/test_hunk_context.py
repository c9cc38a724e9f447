"""What stands around a hunk, as the index tells it."""

from collections.abc import Callable
from pathlib import Path

from copilot.repo.changes import staged
from copilot.repo.index import Index
from copilot.repo.walk import walk
from copilot.review.change import ChangeView
from copilot.review.context import HunkContext, Surroundings

Stage = Callable[[dict[str, str], dict[str, str]], Path]


def test_a_hunk_comes_with_its_surroundings(stage: Stage) -> None:
    """Enclosing definitions, callers, callees, types and tests, from the index."""
    before = {
        "shop.py": "from tax import Rate, tax_of\n\n\nclass Shop:\n    def price_of(self, item):\n        return 1\n",
        "tax.py": "class Rate:\n    pass\n\n\ndef tax_of(item):\n    return 2\n",
        "till.py": "from shop import Shop\n\n\ndef sell(item):\n    return Shop().price_of(item)\n",
        "tests/test_shop.py": "def test_price():\n    assert Shop().price_of(1) == 1\n",
    }
    after = before | {"shop.py": before["shop.py"].replace("return 1", "return tax_of(item) + Rate()")}
    context = surroundings(stage(before, after))
    assert [place.symbol for place in context.enclosing] == ["Shop", "Shop.price_of"]
    assert [(place.path, place.symbol) for place in context.callers] == [("till.py", "sell")]
    assert [place.symbol for place in context.callees] == ["tax_of"]
    assert [place.symbol for place in context.types] == ["Rate"]
    assert {place.path for place in context.tests} == {"tests/test_shop.py"}
    assert "6 +         return tax_of(item) + Rate()\n" in context.new_text
    assert context.old_text == "-         return 1\n"


def test_the_types_of_a_hunk_are_those_it_names_and_those_around_it(stage: Stage) -> None:
    """Of its lines, of the signatures it is in, of the fields it uses; a field that many have is nobody's."""
    many = "".join(f"class Many{at}:\n    label: str\n\n\n" for at in range(3))
    before = {
        "shop.py": "class Shop:\n    taxes: TaxTable\n\n    def sell(self, order: PurchaseOrder) -> Receipt:\n"
        "        return order.ordered_goods + order.label\n",
        "kinds.py": "class TaxTable:\n    pass\n\n\nclass PurchaseOrder:\n    ordered_goods: OrderLines\n\n\n"
        "class OrderLines:\n    pass\n\n\nclass Receipt:\n    pass\n\n\nclass Unrelated:\n    pass\n\n\n" + many,
    }
    after = before | {"shop.py": before["shop.py"].replace("order.label", "self.taxes")}
    context = surroundings(stage(before, after))
    assert [place.signature for place in context.fields] == [
        "taxes: TaxTable in Shop",
        "ordered_goods: OrderLines in PurchaseOrder",
    ]
    assert [place.symbol for place in context.types] == ["TaxTable", "PurchaseOrder", "OrderLines", "Receipt"]


def test_the_tests_of_a_hunk_name_what_was_changed(stage: Stage) -> None:
    """What names the function comes before what names its class; files that import the changed one come first."""
    before = {
        "till/shop.py": "class CornerShop:\n    def price_of(self, item):\n        return 1\n",
        "tests/test_a.py": "from other import x\n\n\ndef test_other_price():\n    assert x.price_of(1)\n",
        "tests/test_b.py": "from till.shop import CornerShop\n\n\ndef test_price():\n"
        "    assert CornerShop().price_of(1)\n\n\ndef test_close():\n    CornerShop().close()\n",
        "tests/till.test.js": "it('sells', () => { price_of(1) })\n",
        "tests/test_shop.py": "def test_nothing():\n    pass\n",
        "use.py": "from till.shop import CornerShop\n\n\ndef use():\n    CornerShop().price_of(2)\n",
    }
    after = before | {"till/shop.py": before["till/shop.py"].replace("return 1", "return 2")}
    context = surroundings(stage(before, after))
    assert [(place.path, place.symbol) for place in context.tests] == [
        ("tests/test_b.py", "test_price"),
        ("tests/test_a.py", "test_other_price"),
        ("tests/till.test.js", ""),
        ("tests/test_b.py", "test_close"),
        ("tests/test_shop.py", ""),
    ]
    assert [place.symbol for place in context.callers] == ["use"]


def test_what_a_removed_line_called_belongs_to_its_surroundings(stage: Stage) -> None:
    """A check that is gone is explained by what it checked."""
    text = "from checks import check_size\n\n\ndef f(a):\n    check_size(a)\n    return a\n"
    before = {"a.py": text, "checks.py": "def check_size(a):\n    assert a < 9\n"}
    context = surroundings(stage(before, before | {"a.py": text.replace("    check_size(a)\n", "")}))
    assert [place.symbol for place in context.callees] == ["check_size"]


def surroundings(root: Path) -> HunkContext:
    (view,) = ChangeView(staged(root)).views
    with Index(root.parent / "index.sqlite3", root) as index:
        index.refresh(walk(root))
        return Surroundings(index).of(view, view.file.diff.hunks[0])


def test_a_name_of_many_things_and_of_other_languages_means_nothing(stage: Stage) -> None:
    """Four functions of one name say nothing of a call; nor does a class of a language that is never mixed in."""
    text = "def f(a):\n    return 1\n"
    many = {f"m{at}.py": "def build_it(a):\n    return a\n" for at in range(4)}
    before = {"a.py": text, "Maker.java": "class GreatMaker {\n}\n"} | many
    context = surroundings(stage(before, before | {"a.py": text.replace("1", "build_it(GreatMaker(a))")}))
    assert (context.callees, context.types) == ((), ())


def test_what_the_language_calls_has_no_callers_by_name(stage: Stage) -> None:
    """Another class's `__getitem__` is none of this one's business; nor is a class of a test."""
    text = "class Shelf(list):\n    def __getitem__(self, at):\n        return 1\n"
    other = "class Other(Shelf):\n    def __getitem__(self, at):\n        return self.x.__getitem__(at)\n"
    before = {"a.py": text, "b.py": other, "tests/test_b.py": "class Shelf:\n    pass\n"}
    context = surroundings(stage(before, before | {"a.py": text.replace("return 1", "return 2")}))
    assert [(place.path, place.symbol) for place in context.callers] == [("b.py", "Other")]
    assert context.types == ()
