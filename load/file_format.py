"""How a file is written: what a mapping may state of it; the rest is found from the file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

WHITESPACE = "whitespace"


class Strict(BaseModel):
    """A part of a mapping: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


# one name or several
Names = Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]


class Format(Strict):
    """What a mapping says of a file's format; see `load.mapping`."""

    delimiter: str | None = None
    encoding: str | None = None
    header: bool = True
    names: Names | None = None
    widths: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] | None = None
    decimal: Literal[".", ","] | None = None
    dates: Names | None = None

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value is not None and value != WHITESPACE and (len(value) != 1 or value in '"\r\n\0'):
            raise ValueError("expected one character, as in ';' or '|', or whitespace")
        return value

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        try:
            "a".encode(value or "utf-8")
        except (LookupError, ValueError) as error:
            raise ValueError(
                f"unknown encoding {value!r}; for example utf-8, utf-16, cp1252, latin-1"
            ) from error
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Format:
        if not self.header and not self.names:
            raise ValueError("without a header, names must list the columns in order")
        if self.names and self.header:
            raise ValueError("names are for a file without a header: add header: false")
        if self.widths and self.names and len(self.widths) != len(self.names):
            raise ValueError(f"{len(self.widths)} widths, but {len(self.names)} names")
        if self.widths and self.delimiter:
            raise ValueError("a file has a delimiter or widths, not both")
        return self
