"""Renders the guides' printed manuals, and records what they were rendered from.

Called by `make guides`, in an environment with the packages of requirements.txt. The same sources
give the same bytes on every machine: only the fonts that come with those packages are used, and
the date in a document is the guide's own.
"""

import datetime
import hashlib
import pathlib
import shutil
import sys
import tempfile
import tomllib

import font_source_sans_pro
import typst

GUIDES = pathlib.Path(__file__).resolve().parent
RECORD = GUIDES / "rendered.sha256"
NOT_GUIDES = {"every-guide.toml"}
SANS = ["Regular", "It", "Semibold", "Bold"]


def sources() -> list[pathlib.Path]:
    """Everything that decides what the manuals look like."""
    kinds = ["*.toml", "*.typ", "*.py", "requirements.txt", "drawings/*.svg"]
    return sorted(path for kind in kinds for path in GUIDES.glob(kind))


def render(source: pathlib.Path, fonts: str) -> pathlib.Path:
    """Renders the manual of the guide in `source`."""
    revised = datetime.date.fromisoformat(tomllib.loads(source.read_text())["revised"])
    noon = datetime.datetime.combine(revised, datetime.time(12), datetime.timezone.utc)
    pdf = GUIDES / "pdf" / f"{source.stem}.pdf"
    document = typst.compile(
        GUIDES / "manual.typ",
        root=GUIDES,
        font_paths=[fonts],
        ignore_system_fonts=True,
        sys_inputs={"guide": source.stem},
        pdf_standards=["ua-1"],
        timestamp=int(noon.timestamp()),
    )
    pdf.write_bytes(document)
    return pdf


def main() -> None:
    """Renders every guide and writes the record, in the form that sha256sum reads."""
    guides = [path for path in sorted(GUIDES.glob("*.toml")) if path.name not in NOT_GUIDES]
    (GUIDES / "pdf").mkdir(exist_ok=True)
    for left in (GUIDES / "pdf").glob("*.pdf"):
        left.unlink()
    with tempfile.TemporaryDirectory() as fonts:
        package = pathlib.Path(font_source_sans_pro.__file__).parent
        for style in SANS:
            shutil.copy(package / "files" / f"SourceSansPro-{style}.otf", fonts)
        pdfs = [render(source, fonts) for source in guides]
    lines = []
    for path in sources() + pdfs:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{digest}  {path.relative_to(GUIDES)}\n")
    RECORD.write_text("".join(lines))
    for pdf in pdfs:
        print(f"{pdf.relative_to(GUIDES)}  {pdf.stat().st_size / 1024:.0f} KiB", file=sys.stderr)


if __name__ == "__main__":
    main()
