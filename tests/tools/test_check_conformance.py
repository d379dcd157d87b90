"""tools/check_conformance.py sees the items that tests quote, and only those."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import check_conformance  # noqa: E402


@pytest.mark.parametrize(
    "name, text, items",
    [
        ("a_test.cc", "TEST(CAbi, C037_AClaim) {", {"C037"}),
        ("a_test.cc", "TEST_F(CAbiTree, C106_AClaim) {", {"C106"}),
        ("a_test.cc", "TEST_P(CAbiDType, C050_C051_AClaim) {", {"C050", "C051"}),
        ("a_test.cc", "TEST(CppApi, B1_AClaim) {\nTEST(CppApi, B19_B20_AClaim) {", {"B1", "B19", "B20"}),
        ("a_test.cc", "TEST(CppApi,\n     B9_AClaimOnTwoLines) {", {"B9"}),
        ("a_test.cu", "TEST(CppApi, B109_AClaim) {", {"B109"}),
        ("items.c", "static void c_abi_037_a_claim(void) {", {"C037"}),
        ("items.c", "void c_abi_079_080_a_claim(void) {", {"C079", "C080"}),
        ("test_a.py", "def test_c_abi_110_a_claim(module):", {"C110"}),
        ("test_a.py", "    def test_cpp_api_b42_b43_a_claim(self):", {"B42", "B43"}),
        ("a_test.cc", "TEST(CAbi, AClaimLikeC037_) {", set()),
        ("a_test.cc", "// TEST(CAbi, C037_AClaim)", set()),
        ("a_test.cc", "TEST(CAbi, DISABLED_C037_AClaim) {", set()),
        ("items.c", "  c_abi_037_a_claim();", set()),
        ("test_a.py", "# test_c_abi_110_a_claim", set()),
        ("README.md", "TEST(CAbi, C037_AClaim) {", set()),
    ],
)
def test_the_quoted_items(tmp_path, name, text, items):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / name).write_text(text + "\n")

    assert check_conformance.quoted(tmp_path) == items


def write_all(folder, left_out=(), more=()):
    items = [sheet.item(number) for sheet in check_conformance.SHEETS for number in range(1, sheet.last + 1)]
    names = [item for item in items if item not in left_out] + list(more)
    (folder / "all_test.cc").write_text("".join(f"TEST(Sheet, {name}_Claim) {{}}\n" for name in names))


def run(monkeypatch, folder):
    monkeypatch.setattr(sys, "argv", ["check_conformance.py", str(folder)])
    return check_conformance.main()


def test_a_complete_folder_passes(tmp_path, monkeypatch, capsys):
    write_all(tmp_path)
    assert run(monkeypatch, tmp_path) == 0
    assert "C ABI: 111 of 111" in capsys.readouterr().out


def test_missing_and_unknown_items_are_named(tmp_path, monkeypatch, capsys):
    write_all(tmp_path, left_out=("C111", "B1"), more=("B113",))
    assert run(monkeypatch, tmp_path) == 1
    printed = capsys.readouterr().out
    assert "no test quotes C111" in printed
    assert "no test quotes B1\n" in printed
    assert "a test quotes B113, which no sheet has" in printed
