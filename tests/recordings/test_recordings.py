"""Recordings in every format, and everything that can be wrong with one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import edfio
import numpy as np
import pytest
import wfdb
from scipy.io import savemat

from ecgcli.errors import DataError
from ecgcli.recordings import ReadOptions, Recording, endings, read_recording
from ecgcli.recordings.leads import read_leads
from tests.helpers import ecg_process, without_root

RATE = 250.0


@pytest.fixture
def signal() -> np.ndarray:
    """Ten seconds of something, in mV, on the grid of 1 uV."""
    return np.round(np.random.default_rng(1).normal(0, 0.5, 2500), 3)


def copy_record(mitdb: Path, name: str, folder: Path, new: str = "") -> Path:
    """A record under another name, its header rewritten to it."""
    new = new or name
    for ending in ("hea", "dat", "atr"):
        shutil.copy(mitdb / f"{name}.{ending}", folder / f"{new}.{ending}")
    header = folder / f"{new}.hea"
    header.chmod(0o600)
    header.write_text(header.read_text().replace(f"{name}.dat", f"{new}.dat").replace(name, new, 1))
    return header


def edit(header: Path, old: str, new: str) -> None:
    text = header.read_text()
    assert old in text
    header.write_text(text.replace(old, new))


def refused(path: Path, message: str, options: ReadOptions | None = None) -> None:
    """The recording is refused with a message of one line that names its file."""
    with pytest.raises(DataError, match=message) as caught:
        read_recording(path, options or ReadOptions())
    assert "\n" not in str(caught.value)


class TestWfdb:
    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ("x/1 1 360 100\nx 100", "the segment 'x' is made of segments"),
            ("x/1 1 360 100\nnone 100", "the segment 'none' is missing"),
            ("x/1 1 360 100\nsub/q 100", "the segment 'sub/q' is not in the same folder"),
            ("x/1 1 360 100\n../q 100", "not in the same folder"),
            ("x/1 1 360 100\n/ 100", "not in the same folder"),
            ("x/1 1 360 100\nfolder 100", "it is a folder"),
            ("x/1 1 360 100\n~ 100", "names no signals"),
            (f"x/1 1 360 100\n{'n' * 5000} 100", "File name too long"),
            (f"x 1 360 100\n{'n' * 5000}.dat 16", "File name too long"),
            ("x 1 360 100\nfolder.hea 16 200 11 0 0 0 0 II", "it is a folder"),
            ("7" * 1_000_000 + "\nx 1 360 100", "line 1 of x.hea has 1,000,000 characters"),
            ("x/1 1 360 100\nlong 100", "line 2 of long.hea has 1,000,006 characters"),
            ("x 1 360 100\nx.dat 16x100000000 200 11 0 0 0 0 II", "impossible number of samples"),
            ("x 1 360 100\nx.dat 16:1000000000 200 11 0 0 0 0 II", "impossible number of samples"),
        ],
    )
    def test_damaged_headers(self, lines: str, message: str, tmp_path: Path) -> None:
        (tmp_path / "folder.hea").mkdir()
        (tmp_path / "x.dat").write_bytes(bytes(200))
        (tmp_path / "long.hea").write_text("long 1 360 100\nx.dat " + "7" * 1_000_000)
        (tmp_path / "x.hea").write_text(lines + "\n")
        refused(tmp_path / "x.hea", message)

    def test_a_folder_of_the_name_of_a_header(self, tmp_path: Path) -> None:
        (tmp_path / "x.hea").mkdir()
        refused(tmp_path / "x.hea", "this is a folder")
        refused(tmp_path / "x", r"no such|folder|x\.hea")

    @pytest.mark.parametrize("named", ["/", ".", "..", "x/", "", "a\0b.atr", "n" * 5000])
    def test_annotations_that_are_none(self, named: str, mitdb: Path, tmp_path: Path) -> None:
        refused(mitdb / "100.hea", "annotation|too long", ReadOptions(annotations=named))
        np.save(tmp_path / "x.npy", np.zeros(1000))
        refused(tmp_path / "x.npy", "annotation|too long", ReadOptions(None, 250, "mV", named))

    def test_a_real_record_by_any_of_its_names(self, mitdb: Path) -> None:
        expected = wfdb.rdrecord(str(mitdb / "100"))
        annotation = wfdb.rdann(str(mitdb / "100"), "atr")
        for name in ("100.hea", "100.dat", "100"):
            recording = read_recording(mitdb / name)
            assert np.array_equal(recording.signal, expected.p_signal[:, 0])
            assert (recording.name, recording.lead, recording.sampling_rate) == (
                "100",
                "MLII",
                360.0,
            )
            assert np.array_equal(recording.positions, annotation.sample)
            assert recording.symbols == tuple(annotation.symbol)

    @pytest.mark.parametrize(
        ("name", "option", "lead"),
        [
            ("114", None, "MLII"),  # its second lead
            ("114", 0, "V5"),
            ("100", "v5", "V5"),
            ("102", None, "V5"),  # it has neither II nor MLII
        ],
    )
    def test_leads(self, name: str, option: str | int | None, lead: str, mitdb: Path) -> None:
        recording = read_recording(mitdb / name, ReadOptions(lead=option))
        record = wfdb.rdrecord(str(mitdb / name))
        assert recording.lead == lead
        assert np.array_equal(recording.signal, record.p_signal[:, record.sig_name.index(lead)])

    def test_a_missing_lead_is_refused_with_the_leads_there_are(self, mitdb: Path) -> None:
        with pytest.raises(DataError, match=r"no lead V9; valid: MLII, V5"):
            read_recording(mitdb / "100", ReadOptions(lead="V9"))

    def test_annotations_auto_none_named_and_from_a_file(self, mitdb: Path, tmp_path: Path) -> None:
        wfdb.wrann("mine", "qrs", np.array([100, 400]), ["N", "V"], write_dir=str(tmp_path))
        read = {
            option: read_recording(mitdb / "100", ReadOptions(annotations=option)).symbols
            for option in ("auto", "none", "atr", str(tmp_path / "mine.qrs"))
        }
        assert read["auto"] == read["atr"]
        assert read["none"] == ()
        assert read[str(tmp_path / "mine.qrs")] == ("N", "V")
        with pytest.raises(DataError, match="no such annotation file"):
            read_recording(mitdb / "100", ReadOptions(annotations="xyz"))

    def test_a_multi_segment_record(self, signal: np.ndarray, tmp_path: Path) -> None:
        for number in (1, 2):
            wfdb.wrsamp(
                f"s{number}", RATE, ["mV"], ["II"], signal[:, None], fmt=["16"],
                write_dir=str(tmp_path),
            )  # fmt: skip
        (tmp_path / "whole.hea").write_text(f"whole/2 1 {RATE:g} 5000\ns1 2500\ns2 2500\n")
        recording = read_recording(tmp_path / "whole.hea")
        assert recording.signal == pytest.approx(np.tile(signal, 2), abs=2e-3)
        assert recording.sampling_rate == RATE

    @pytest.mark.parametrize(("unit", "factor"), [("uV", 1e-3), ("V", 1e3), ("mV", 1.0)])
    def test_units_are_brought_to_millivolts(
        self, unit: str, factor: float, signal: np.ndarray, tmp_path: Path
    ) -> None:
        wfdb.wrsamp("x", RATE, [unit], ["II"], signal[:, None], fmt=["16"], write_dir=str(tmp_path))
        recording = read_recording(tmp_path / "x.hea")
        assert recording.signal == pytest.approx(signal * factor, abs=2e-3 * factor)

    def test_an_option_that_overrules_the_header_is_noted(self, mitdb: Path) -> None:
        options = ReadOptions(sampling_rate=250, units="uV")
        recording = read_recording(mitdb / "100.hea", options)
        assert recording.sampling_rate == 250
        assert recording.notes == (
            "the file states 360 Hz; --fs 250 is used",
            "the file states the unit 'mV'; --units uV is used",
        )
        same = ReadOptions(sampling_rate=360, units="mV")
        assert read_recording(mitdb / "100.hea", same).notes == ()

    def test_bad_headers(self, mitdb: Path, tmp_path: Path) -> None:
        header = copy_record(mitdb, "100", tmp_path)
        valid = header.read_text()
        for old, new, message in (
            ("100 2 360 650000", "100 2", "does not state its sampling rate; give it with --fs"),
            ("100 2 360 650000", "100 2 0 650000", "found a sampling rate of 0 Hz"),
            ("100 2 360 650000", "100 2 1000000 650000", "found a sampling rate of 1e"),
            ("100 2 360 650000", "100 2 360 660000", "cut off|cannot be read"),
            ("200 11 1024 995 -22131", "200 11 1024 995 -22130", "checksum of lead MLII"),
            ("200 11 1024 995", "200/mmHg 11 1024 995", "lead MLII is in 'mmHg'; valid: mV"),
        ):
            header.write_text(valid)
            edit(header, old, new)
            with pytest.raises(DataError, match=message):
                read_recording(header)
        header.write_text(valid.replace("100 2 360 650000", "100 2 0 650000"))
        assert read_recording(header, ReadOptions(sampling_rate=360.0)).sampling_rate == 360.0

    def test_a_wrong_checksum_may_be_ignored_and_is_noted(
        self, mitdb: Path, tmp_path: Path
    ) -> None:
        header = copy_record(mitdb, "100", tmp_path)
        edit(header, "200 11 1024 995 -22131", "200 11 1024 995 -22130")
        recording = read_recording(header, ReadOptions(ignore_checksums=True))
        assert np.array_equal(recording.signal, read_recording(mitdb / "100").signal)
        assert "checksum of lead MLII is not the header's" in recording.notes[0]
        assert "--ignore-checksums" in recording.notes[0]

    def test_a_missing_or_truncated_signal_file(self, mitdb: Path, tmp_path: Path) -> None:
        header = copy_record(mitdb, "100", tmp_path)
        data = header.with_suffix(".dat")
        data.chmod(0o600)
        whole = data.read_bytes()
        data.write_bytes(whole[: len(whole) // 2])
        cut_off = r"100\.hea: the signal file 100\.dat has {} bytes, and the 650,000 .* cut off"
        with pytest.raises(DataError, match=cut_off.format("975,000")):
            read_recording(header)
        data.write_bytes(whole[:-1])
        with pytest.raises(DataError, match=cut_off.format("1,949,999")):
            read_recording(header)
        data.write_bytes(b"")
        with pytest.raises(DataError, match=cut_off.format("0")):
            read_recording(header)
        data.unlink()
        with pytest.raises(DataError, match=r"100\.dat is missing"):
            read_recording(header)

    @pytest.mark.parametrize(
        ("gain", "uncalibrated"),
        [("0", True), ("0(0)/mV", True), ("", True), ("200", False), ("1e3(5)/uV", False)],
    )
    def test_a_gain_of_zero_is_the_formats_default_and_noted(
        self, gain: str, uncalibrated: bool, tmp_path: Path
    ) -> None:
        steps = np.arange(1000, dtype="<i2")
        (tmp_path / "x.dat").write_bytes(steps.tobytes())
        (tmp_path / "x.hea").write_text(f"# made up\nx 1 250 1000\nx.dat 16 {gain}\n")
        recording = read_recording(tmp_path / "x.hea", ReadOptions(lead=0))
        assert any("uncalibrated" in note for note in recording.notes) == uncalibrated
        if uncalibrated:
            assert recording.signal == pytest.approx(steps / 200)

    def test_a_name_with_spaces_and_letters_of_all_kinds(self, mitdb: Path, tmp_path: Path) -> None:
        folder = tmp_path / "Enregistrement n° 1, été"
        folder.mkdir()
        header = copy_record(mitdb, "100", folder)
        assert len(read_recording(header).signal) == 650000

    def test_a_read_only_folder_is_read(self, mitdb: Path, tmp_path: Path) -> None:
        disk, out = tmp_path / "disk", tmp_path / "out.csv"
        disk.mkdir()
        header = copy_record(mitdb, "100", disk)
        disk.chmod(0o500)
        command = ecg_process("prepare", header, "-o", out, "-q")
        done = subprocess.run(without_root(command), capture_output=True, text=True, check=False)
        disk.chmod(0o700)
        assert done.returncode == 0, done.stderr
        assert out.exists()


class TestEdf:
    def write(self, path: Path, *signals: edfio.EdfSignal) -> Path:
        edfio.Edf(list(signals)).write(path)
        return path

    def lead(self, data: np.ndarray, label: str, unit: str = "mV") -> edfio.EdfSignal:
        return edfio.EdfSignal(data, RATE, label=label, physical_dimension=unit)

    def test_the_lead_is_found_among_others(self, signal: np.ndarray, tmp_path: Path) -> None:
        breath = edfio.EdfSignal(signal[:250], 25, label="Resp", physical_dimension="")
        path = self.write(
            tmp_path / "x.edf", breath, self.lead(signal[::-1], "ECG V1"),
            self.lead(1000 * signal, "ECG II", "uV"),
        )  # fmt: skip
        recording = read_recording(path)
        assert recording.lead == "ECG II"
        assert recording.signal == pytest.approx(signal, abs=1e-3)
        assert recording.sampling_rate == RATE
        overruled = read_recording(path, ReadOptions(sampling_rate=100, units="mV"))
        assert overruled.notes == (
            f"the file states {RATE:g} Hz; --fs 100 is used",
            "the file states the unit 'uV'; --units mV is used",
        )
        assert read_recording(path, ReadOptions(lead="V1")).signal == pytest.approx(
            signal[::-1], abs=1e-3
        )
        with pytest.raises(DataError, match="unit of lead Resp is not stated"):
            read_recording(path, ReadOptions(lead="Resp"))

    def test_two_leads_of_one_label_are_two_leads(self, signal: np.ndarray, tmp_path: Path) -> None:
        half = edfio.EdfSignal(signal[::2], RATE / 2, label="ECG", physical_dimension="mV")
        path = self.write(tmp_path / "x.edf", self.lead(signal, "ECG"), half)
        second = read_recording(path, ReadOptions(lead=1))
        assert second.sampling_rate == RATE / 2
        assert second.signal == pytest.approx(signal[::2], abs=1e-3)
        leads, notes = read_leads(path, ReadOptions(lead="all"))
        assert len(leads) == 1
        assert notes == (
            f"signal ECG is left out: it has {RATE / 2:g} Hz, and ECG has {RATE:g} Hz",
        )

    def test_bdf(self, signal: np.ndarray, tmp_path: Path) -> None:
        lead = edfio.BdfSignal(1000 * signal, RATE, label="II", physical_dimension="uV")
        edfio.Bdf([lead]).write(tmp_path / "x.bdf")
        recording = read_recording(tmp_path / "x.bdf")
        assert recording.signal == pytest.approx(signal, abs=1e-4)
        assert (recording.lead, recording.sampling_rate) == ("II", RATE)

    def test_annotations_without_a_signal_are_not_a_recording(self, tmp_path: Path) -> None:
        file = edfio.Edf([], annotations=[edfio.EdfAnnotation(0.0, None, "sleep")])
        file.write(tmp_path / "x.edf")
        with pytest.raises(DataError, match="annotations only"):
            read_recording(tmp_path / "x.edf")

    def test_files_that_are_not_edf(self, tmp_path: Path) -> None:
        for content in (b"", b"PK\x03\x04" + bytes(100), b"x" * 1000):
            (tmp_path / "x.edf").write_bytes(content)
            with pytest.raises(DataError, match="cannot be read as EDF") as caught:
                read_recording(tmp_path / "x.edf")
            assert "\n" not in str(caught.value)


class TestPlainNumbers:
    OPTIONS = ReadOptions(sampling_rate=RATE, units="mV")

    def files(self, signal: np.ndarray, folder: Path) -> dict[str, Path]:
        both = np.column_stack([signal[::-1], signal])
        np.save(folder / "a.npy", both)
        savemat(folder / "b.mat", {"val": both.T, "note": "x"})
        np.savetxt(folder / "c.csv", both, delimiter=",", header="V1,II", comments="")
        rows = np.column_stack([np.arange(len(signal)) / RATE, both])
        np.savetxt(folder / "d.tsv", rows, delimiter="\t", header="time\tV1\tII", comments="")
        np.savetxt(folder / "e.txt", both, delimiter=";")
        return {path.name: path for path in folder.iterdir()}

    def test_every_form_holds_the_same(self, signal: np.ndarray, tmp_path: Path) -> None:
        for name, path in self.files(signal, tmp_path).items():
            lead = "II" if name in ("c.csv", "d.tsv") else "2"
            options = ReadOptions(lead=lead, sampling_rate=RATE, units="mV")
            recording = read_recording(path, options)
            assert recording.signal == pytest.approx(signal), name
            assert recording.lead == lead

    def test_rate_and_unit_must_be_given(self, signal: np.ndarray, tmp_path: Path) -> None:
        path = self.files(signal, tmp_path)["a.npy"]
        with pytest.raises(DataError, match="give it with --fs"):
            read_recording(path, ReadOptions(units="mV"))
        with pytest.raises(DataError, match="give it with --units"):
            read_recording(path, ReadOptions(sampling_rate=RATE))
        with pytest.raises(DataError, match="'bananas'; valid: mV, uV, V"):
            read_recording(path, ReadOptions(sampling_rate=RATE, units="bananas"))

    def test_a_gap_is_kept_as_missing(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("II\n0.1\n\n0.3\nnan\n0.5\n")
        recording = read_recording(tmp_path / "x.csv", self.OPTIONS)
        assert np.isnan(recording.signal).any()

    def test_wrong_content(self, tmp_path: Path) -> None:
        (tmp_path / "text.csv").write_text("II\n0.1\nabc\n")
        (tmp_path / "empty.csv").write_text("")
        (tmp_path / "x.mat").write_bytes(b"nothing")
        np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
        np.save(tmp_path / "cube.npy", np.zeros((2, 3, 4)))
        np.save(tmp_path / "none.npy", np.zeros(0))
        for name, message in (
            ("text.csv", "row 3, column 1: found 'abc'"),
            ("empty.csv", "holds no samples|cannot be read"),
            ("x.mat", "cannot be read as a MAT file"),
            ("objects.npy", "cannot be read as a NumPy array"),
            ("cube.npy", "3 dimensions"),
            ("none.npy", "holds no samples"),
        ):
            with pytest.raises(DataError, match=message):
                read_recording(tmp_path / name, self.OPTIONS)


def npy(shape: str) -> bytes:
    """The header of an .npy file of this shape, without the array."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


class TestDamagedArrays:
    OPTIONS = ReadOptions(sampling_rate=250, units="mV")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (npy(f"({10**15},)"), "damaged"),
            (npy(f"({10**30},)"), "damaged"),
            (npy("(-5,)"), "damaged"),
            (npy("(" * 60), "damaged"),
            (npy("(3,)").replace(b"descr", b"desxr"), "damaged"),
            (b"\x93NUMPY\x09\x00", "damaged"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{}", "damaged"),
            (b"", "damaged"),
            (npy("(0,)"), "holds no samples|damaged"),
        ],
    )
    def test_npy(self, content: bytes, message: str, tmp_path: Path) -> None:
        path = tmp_path / "x.npy"
        path.write_bytes(content)
        refused(path, message, self.OPTIONS)

    def test_an_archive_called_npy(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", a=np.zeros(5))
        (tmp_path / "x.npz").rename(tmp_path / "x.npy")
        refused(tmp_path / "x.npy", "an archive of several arrays", self.OPTIONS)

    @pytest.mark.parametrize("kind", ["complex", "m8[s]", "U3", "bool"])
    def test_what_is_no_real_number(self, kind: str, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.zeros(1000).astype(kind))
        refused(tmp_path / "x.npy", "valid: numbers", self.OPTIONS)

    def test_an_infinite_sample(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.array([0.0] * 999 + [np.inf]))
        refused(tmp_path / "x.npy", "sample 999 is infinite", self.OPTIONS)

    @pytest.mark.parametrize("shape", [(0, 0), (0, 5)])
    def test_an_empty_matlab_array(self, shape: tuple[int, int], tmp_path: Path) -> None:
        savemat(tmp_path / "x.mat", {"a": np.zeros(shape)})
        refused(tmp_path / "x.mat", "the recording holds no samples", self.OPTIONS)


class TestDamagedEdf:
    """The fields of the header of a file of one signal, by their place in it."""

    @pytest.fixture
    def edf(self, signal: np.ndarray, tmp_path: Path) -> Path:
        one = edfio.EdfSignal(signal, RATE, label="ECG", physical_dimension="mV")
        edfio.Edf([one]).write(tmp_path / "x.edf")
        return tmp_path / "x.edf"

    @pytest.mark.parametrize("place", [104, 112, 120, 128, 216 + 256, 236, 244, 252, 184])
    @pytest.mark.parametrize("field", ["abc", "nan", "1e400", "", "-1", "99999999"])
    def test_a_damaged_field_is_one_line_or_a_note(
        self, place: int, field: str, edf: Path, recwarn: pytest.WarningsRecorder
    ) -> None:
        content = bytearray(edf.read_bytes())
        start = place if place >= 184 else place + 256
        length = 4 if place == 252 else 8
        content[start : start + length] = field.ljust(length)[:length].encode()
        edf.write_bytes(content)
        message = ""
        try:
            assert np.isfinite(read_recording(edf).signal).all()
        except DataError as error:
            message = str(error)
        assert "\n" not in message
        assert not list(recwarn)

    @pytest.mark.parametrize("place", [104, 120])
    def test_a_signal_without_a_scale(self, place: int, edf: Path) -> None:
        content = bytearray(edf.read_bytes())
        content[256 + place : 256 + place + 16] = b"5       5       "
        edf.write_bytes(content)
        refused(edf, "the scale of ECG is not valid: from")

    def test_a_wrong_number_of_records_is_noted(self, edf: Path) -> None:
        whole = read_recording(edf)
        content = bytearray(edf.read_bytes())
        content[236:244] = b"99999999"
        edf.write_bytes(content)
        recording = read_recording(edf)
        assert np.array_equal(recording.signal, whole.signal)
        assert "header indicates 99999999 data records" in recording.notes[0]


def test_files_that_are_not_recordings(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK")
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    for name, message in (
        ("x.zip", "a zip archive is not read; unpack it first"),
        ("x.pdf", r"ends in .pdf are not read; valid: "),
        ("none.edf", "no such file"),
        (".", "this is a folder"),
    ):
        with pytest.raises(DataError, match=message):
            read_recording(tmp_path / name)
    assert {".edf", ".bdf", ".hea", ".npy", ".mat", ".csv"} <= set(endings())


def test_a_recording_knows_its_beats() -> None:
    recording = Recording(
        "x", "p", np.zeros(720), 360.0, "II", np.array([1.0, 5, 9, 20]), ("N", "+", "V", "~")
    )
    assert recording.beat_positions.tolist() == [1, 9]
    assert recording.seconds == 2.0


def test_a_table_of_times_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clock.csv"
    path.write_text("time\n0.0\n0.1\n")
    with pytest.raises(DataError, match="no column of a lead"):
        read_recording(path, ReadOptions(sampling_rate=250, units="mV"))
