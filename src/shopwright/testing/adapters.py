"""What every adapter must do, as a test class: subclass it, say what a file of the adapter looks like, run pytest."""

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
    """Keys of the source in ``shopwright.toml`` besides name and path."""
    file_name: ClassVar[str]
    """Name of a file as the export writes it."""
    entity: ClassVar[str] = "events"
    columns: ClassVar[tuple[str, ...]]
    """Canonical columns to compare."""
    expected: ClassVar[tuple[tuple[Any, ...], ...]]
    """What these columns hold for each sample; at least two samples, no two alike."""
    unnamed: ClassVar[tuple[str, ...]] = ()
    """Columns of every such file that no mapping names, in their order; they end in ``properties``."""
    counts_copies: ClassVar[bool] = False
    """Whether equal records of a file are told apart by ``copy_number`` rather than taken for duplicates."""

    def file(self, numbers: Sequence[int], *, extra: bool = False) -> bytes:
        """A file with the samples of these numbers (from 0), in that order.

        Args:
            numbers: samples to write; empty for a file without records.
            extra: whether each record has the column ``EXTRA`` besides.
        """
        raise NotImplementedError

    def torn(self) -> bytes | None:
        """A file with all samples whose last record breaks off; None where such a file is unreadable as a whole."""
        return self.file(range(len(self.expected)))[:-8]

    def shop(self, folder: Path) -> Shop:
        """A shop whose one source is read by the adapter."""
        return Shop.make(folder, f'[[sources]]\nname = "it"\npath = "raw"\n{self.settings}\n')

    def landed(self, shop: Shop) -> list[tuple[Any, ...]]:
        """The compared columns of what is in the lake."""
        return shop.rows(*self.columns, entity=self.entity)

    def wanted(self, numbers: Sequence[int]) -> list[tuple[Any, ...]]:
        """What the lake should hold after these samples."""
        return sorted((self.expected[number] for number in numbers), key=repr)

    def check(self, shop: Shop, numbers: Sequence[int]) -> None:
        """The lake holds these samples once, and every row of the ledger balances."""
        assert sorted(self.landed(shop), key=repr) == self.wanted(numbers)
        ledger = [row for row in shop.ledger() if row.entity == self.entity]
        assert sum(row.rows_accepted for row in ledger) == len(numbers)
        for row in ledger:
            assert row.rows_read == row.rows_accepted + row.rows_quarantined + row.rows_duplicate

    def all(self) -> range:
        """The numbers of all samples."""
        return range(len(self.expected))

    def test_its_settings_survive_a_round_trip(self, tmp_path: Path) -> None:
        """What a source is written down as, it is read back as."""
        source = self.shop(tmp_path).project.settings.sources[0]
        assert SourceSettings.model_validate(source.model_dump()) == source
        assert SourceSettings.model_validate_json(source.model_dump_json()) == source

    def test_a_file_gives_the_rows_it_states(self, tmp_path: Path) -> None:
        """Values arrive typed and unchanged."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()))
        assert shop.ingest().total("rows_read") == len(self.expected)
        self.check(shop, self.all())

    def test_the_order_of_records_does_not_matter(self, tmp_path: Path) -> None:
        """Backwards gives the same rows."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()[::-1]))
        shop.ingest()
        self.check(shop, self.all())

    def test_the_same_file_twice_lands_once(self, tmp_path: Path) -> None:
        """A second run finds nothing to do."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()))
        shop.ingest()
        again = shop.ingest()
        assert (again.rows, again.skipped) == ([], 1)
        self.check(shop, self.all())

    def test_a_copy_under_another_name_adds_nothing(self, tmp_path: Path) -> None:
        """All its records count as duplicates."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()))
        shop.write(f"copy/{self.file_name}", self.file(self.all()))
        report = shop.ingest()
        assert sorted(row.outcome for row in report.rows) == ["identical", "loaded"]
        assert report.total("rows_duplicate") == len(self.expected)
        self.check(shop, self.all())

    def test_a_file_that_grew_lands_only_what_is_new(self, tmp_path: Path) -> None:
        """Records known from its shorter self are duplicates."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all()[:-1]))
        shop.ingest()
        shop.write(self.file_name, self.file(self.all()))
        report = shop.ingest()
        assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (1, len(self.expected) - 1)
        self.check(shop, self.all())

    def test_exact_duplicates_are_counted(self, tmp_path: Path) -> None:
        """Of a record that stands there three times one lands and two are counted, or three copies land."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file([0, 1, 0, 0]))
        report = shop.ingest()
        repeated = 0 if self.counts_copies else 2
        assert (report.total("rows_read"), report.total("rows_duplicate")) == (4, repeated)
        self.check(shop, [0, 1, 0, 0] if self.counts_copies else [0, 1])

    def test_copies_that_another_file_repeats_are_counted(self, tmp_path: Path) -> None:
        """What stands in two files lands once: as often as in the one that has it most."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file([0, 1, 0]))
        shop.ingest()
        shop.write(f"later/{self.file_name}", self.file([0, 0, 0, 1]))
        report = shop.ingest()
        new = 1 if self.counts_copies else 0
        assert (report.total("rows_accepted"), report.total("rows_duplicate")) == (new, 4 - new)
        self.check(shop, [0, 0, 0, 1] if self.counts_copies else [0, 1])

    def test_a_file_without_bytes_is_noted_as_empty(self, tmp_path: Path) -> None:
        """It is not an error, and not looked at again."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, b"")
        assert [row.outcome for row in shop.ingest().rows] == ["empty"]
        assert shop.ingest().skipped == 1

    def test_a_file_without_records_is_noted_as_empty(self, tmp_path: Path) -> None:
        """Such as one that has a header alone."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file([]))
        assert [row.outcome for row in shop.ingest().rows] == ["empty"]
        self.check(shop, [])

    def test_a_torn_end_never_costs_more_than_the_torn_record(self, tmp_path: Path) -> None:
        """It is put aside with its text, or the whole file is refused with a reason."""
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
        """A column that no mapping names is named in the ledger, and ends in ``properties`` where there is such."""
        shop = self.shop(tmp_path)
        shop.write(self.file_name, self.file(self.all(), extra=True))
        shop.ingest()
        self.check(shop, self.all())
        assert [row.new_columns for row in shop.ledger()] == [", ".join((*self.unnamed, EXTRA))]
        if not any(column.name == "properties" for column in BY_NAME[self.entity].stored_columns):
            return
        kept = shop.rows("properties", entity=self.entity)
        assert all(f'"{EXTRA}":"left"' in (properties or "") for (properties,) in kept)
