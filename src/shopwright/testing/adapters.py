"""Contract suite for adapters: subclass it, define what a file of the adapter looks like, run pytest."""

# ruff: noqa: S101  # a suite is made of assertions

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from shopwright.contracts import BY_NAME
from shopwright.settings import SourceSettings
from shopwright.testing.shops import Shop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EXTRA = "shelf_label"
"""A column that no mapping names; its value is ``left``."""


class AdapterContract:
    """The promises of ingest, for one adapter.

    Example::

        class TestMine(AdapterContract):
            settings = 'adapter = "mine"'
            file_name = "day.csv"
            columns = ("user_id", "price")
            expected = (("anna", Decimal("1.5000")), ("bert", None))

            def file(self, numbers, *, extra=False):
                return b"..."
    """

    settings: ClassVar[str]
    """Keys of the source in ``shopwright.toml`` in addition to name and path."""
    file_name: ClassVar[str]
    """Name of a file in the export."""
    entity: ClassVar[str] = "events"
    columns: ClassVar[tuple[str, ...]]
    """Canonical columns to compare."""
    expected: ClassVar[tuple[tuple[Any, ...], ...]]
    """Values of these columns for each sample; at least two samples, all different."""
    unnamed: ClassVar[tuple[str, ...]] = ()
    """Columns of each file that the mapping does not name, in order; they go to ``properties``."""
    counts_copies: ClassVar[bool] = False
    """Whether equal records of a file are numbered by ``copy_number`` instead of dropped as duplicates."""

    def file(self, numbers: Sequence[int], *, extra: bool = False) -> bytes:
        """Return a file with these samples, in this order.

        Args:
            numbers: numbers of the samples, from 0; empty for a file without records.
            extra: whether each record also has the column ``EXTRA``.
        """
        raise NotImplementedError

    def torn(self) -> bytes | None:
        """Return a file with all samples whose last record is cut off; None if such a file cannot be read at all."""
        return self.file(range(len(self.expected)))[:-8]

    def shop(self, folder: Path, *, more: str = "") -> Shop:
        """Return a shop with one source, which the adapter reads.

        Args:
            folder: its folder.
            more: further keys of the source.
        """
        return Shop.make(folder, f'[[sources]]\nname = "it"\npath = "raw"\n{self.settings}\n{more}\n')

    def loaded_rows(self, shop: Shop) -> list[tuple[Any, ...]]:
        """Return the compared columns of all rows in the lake."""
        return shop.rows(*self.columns, entity=self.entity)

    def expected_rows(self, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        """Return the rows that the lake should have after these samples."""
        return sorted((self.expected[number] for number in numbers), key=repr)

    def check(self, shop: Shop, numbers: Sequence[int]) -> None:
        """Assert that the lake has these samples once, and that every row of the ledger balances."""
        assert sorted(self.loaded_rows(shop), key=repr) == self.expected_rows(numbers)
        ledger = [row for row in shop.ledger() if row.entity == self.entity]
        assert sum(row.rows_accepted for row in ledger) == len(numbers)
        for row in ledger:
            counts = (row.rows_accepted, row.rows_quarantined, row.rows_duplicate, row.rows_ignored)
            assert row.rows_read == sum(counts)

    def all(self) -> range:
        """Return the numbers of all samples."""
        return range(len(self.expected))

    def test_its_settings_survive_a_round_trip(self, tmp_path: Path) -> None:
        """Settings of a source are the same after writing and reading them."""
        source = self.shop(tmp_path).project.settings.sources[0]
        assert SourceSettings.model_validate(source.model_dump()) == source
        assert SourceSettings.model_validate_json(source.model_dump_json()) == source

    def test_a_files_values_are_loaded_typed_and_unchanged(self, tmp_path: Path) -> None:
        """Rows have the expected values."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()))
        assert shop.ingest().total("rows_read") == len(self.expected)
        self.check(shop, self.all())

    def test_the_order_of_records_does_not_matter(self, tmp_path: Path) -> None:
        """Reversed records give the same rows."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()[::-1]))
        shop.ingest()
        self.check(shop, self.all())

    def test_the_same_file_is_loaded_once(self, tmp_path: Path) -> None:
        """Running again skips the file."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()))
        shop.ingest()
        again = shop.ingest()
        assert (again.rows, again.skipped) == ([], 1)
        self.check(shop, self.all())

    def test_a_copy_under_another_name_adds_nothing(self, tmp_path: Path) -> None:
        """Records of the copy count as duplicates."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()))
        shop.write(f"copy/{self.file_name}", self.file(self.all()))
        report = shop.ingest()
        assert sorted(row.outcome for row in report.rows) == ["identical", "loaded"]
        assert report.total("rows_duplicate") == len(self.expected)
        self.check(shop, self.all())

    def test_only_new_records_of_a_file_that_grew_are_loaded(self, tmp_path: Path) -> None:
        """Records that were loaded before count as duplicates."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()[:-1]))
        shop.ingest()
        shop.write(self.file_name, self.file(self.all()))
        report = shop.ingest()
        assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (1, len(self.expected) - 1)
        self.check(shop, self.all())

    def test_exact_duplicates_are_counted(self, tmp_path: Path) -> None:
        """Three equal records are one row and two duplicates, or three numbered copies."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file([0, 1, 0, 0]))
        report = shop.ingest()
        repeated = 0 if self.counts_copies else 2
        assert (report.total("rows_read"), report.total("rows_duplicate")) == (4, repeated)
        self.check(shop, [0, 1, 0, 0] if self.counts_copies else [0, 1])

    def test_copies_that_another_file_repeats_are_counted(self, tmp_path: Path) -> None:
        """Records in two files are loaded as often as in the file with more of them, if files state single lines."""
        shop = self.shop(tmp_path, more='states = "lines"' if self.counts_copies else "")
        shop.write(self.file_name, self.file([0, 1, 0]))
        shop.ingest()
        shop.write(f"later/{self.file_name}", self.file([0, 0, 0, 1]))
        report = shop.ingest()
        new = 1 if self.counts_copies else 0
        assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (new, 4 - new)
        self.check(shop, [0, 0, 0, 1] if self.counts_copies else [0, 1])

    def test_a_file_without_bytes_is_noted_as_empty(self, tmp_path: Path) -> None:
        """Empty files are not errors, and are skipped the next time."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, b"")
        assert [row.outcome for row in shop.ingest().rows] == ["empty"]
        assert shop.ingest().skipped == 1

    def test_a_file_without_records_is_noted_as_empty(self, tmp_path: Path) -> None:
        """Files with only a header count as empty."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file([]))
        assert [row.outcome for row in shop.ingest().rows] == ["empty"]
        self.check(shop, [])

    def test_a_torn_end_never_costs_more_than_the_torn_record(self, tmp_path: Path) -> None:
        """Quarantine gets the torn record with its text, or the whole file fails with a reason."""
        shop = self.shop(tmp_path)
        torn = self.torn()
        shop.write(self.file_name, torn if torn is not None else self.file(self.all())[:-8])
        report = shop.ingest()
        if torn is None:
            assert [row.outcome for row in report.rows] == ["failed"]
            self.check(shop, [])
        else:
            assert report.total("rows_read") == len(self.expected)
            assert [row.raw.encode() in torn for row in shop.quarantine()] == [True]
            self.check(shop, self.all()[:-1])

    def test_an_unknown_column_is_kept_and_reported(self, tmp_path: Path) -> None:
        """Columns that no mapping names are listed in the ledger, and go to ``properties`` if the entity has it."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all(), extra=True))
        shop.ingest()
        self.check(shop, self.all())
        assert [row.new_columns for row in shop.ledger()] == [", ".join((*self.unnamed, EXTRA))]
        if not any(column.name == "properties" for column in BY_NAME[self.entity].stored_columns):
            return
        rows = shop.rows("properties", entity=self.entity)
        assert all(f'"{EXTRA}":"left"' in (properties or "") for (properties,) in rows)
