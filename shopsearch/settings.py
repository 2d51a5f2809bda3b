"""Settings: the only reader of the environment.

Every field is set by `SHOPSEARCH_<NAME>`, in the environment or in a file `.env` in the working
folder. docs/settings.md lists them; a test keeps the two in step.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shopsearch.domain import Scope
from shopsearch.errors import SettingsError
from shopsearch.index.kinds import FaissKind
from shopsearch.preprocessing.addresses import AllowedHosts
from shopsearch.settings_database import DatabaseSettings
from shopsearch.settings_milvus import MilvusSettings
from shopsearch.settings_nodes import NodeSettings
from shopsearch.settings_ray import RaySettings

_RATE = re.compile(r"[1-9][0-9]{0,8}/(second|minute|hour|day)")
_ORIGIN = re.compile(r"https?://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?")


class Settings(DatabaseSettings, MilvusSettings, NodeSettings, RaySettings, BaseSettings):
    """How one installation of shopsearch is set up. Frozen: a change is a new object."""

    model_config = SettingsConfigDict(
        env_prefix="SHOPSEARCH_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    home: Path = Field(Path(".shopsearch"), description="Folder of everything that is kept.")
    language: Literal[
        "english",
        "danish",
        "dutch",
        "finnish",
        "french",
        "german",
        "hungarian",
        "italian",
        "norwegian",
        "portuguese",
        "romanian",
        "russian",
        "spanish",
        "swedish",
        "turkish",
        "none",
    ] = Field(
        "english",
        description=(
            "Language of products and queries; none takes no endings off. After a change, run "
            "`shopsearch reindex`."
        ),
    )

    encoder: Literal["compact", "openclip", "hashing"] = Field(
        "compact", description="Which model family embeds; hashing is for tests only."
    )
    head: Path | None = Field(None, description="Another image head for the compact encoder.")
    openclip_model: str = Field(
        "ViT-B-32", description="An open_clip model name, `hf-hub:` id or `local-dir:` folder."
    )
    openclip_pretrained: str | None = Field(
        None, description="An open_clip pretrained tag, or a weights file."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="Where models run.")
    runtime: Literal["auto", "torch", "onnx"] = Field(
        "auto",
        description=(
            "What runs the compact encoder; auto is ONNX Runtime on a CPU, torch on a GPU. Both "
            "give the same embeddings."
        ),
    )
    precision: Literal["auto", "fp32", "fp16", "bf16", "int8"] = Field(
        "auto",
        description=(
            "Number format of openclip; auto is half where that is faster. int8 is for the compact "
            "encoder on a CPU: pictures are encoded faster and less exactly, and after a change "
            "`shopsearch reindex` encodes all of them anew."
        ),
    )
    threads: int = Field(0, ge=0, description="CPU threads of the models; 0 means all cores.")

    fusion: str = Field(
        "auto",
        min_length=1,
        description=(
            "How image and text become one: `average`, a method whose weights ship, or a weights "
            "file; auto is the shipped weights where they fit the encoder, else the average."
        ),
    )
    combiner: str = Field(
        "auto",
        min_length=1,
        description=(
            "How words change a picture or product in a query: `weighted-sum`, or a weights file; "
            "auto is the shipped weights where they fit encoder and fusion, else the sum."
        ),
    )
    ranker: Path | None = Field(
        None, description="Other weights for the ranking, from `shopsearch train ranking`."
    )
    understand: bool = Field(
        True,
        description="Whether prices, sizes, colours and the like are read out of the words.",
    )
    index: Literal["faiss", "exact", "milvus"] = Field(
        "faiss", description="Which vector index answers; milvus needs `shopsearch[milvus]`."
    )
    index_kind: FaissKind = Field(
        "auto",
        description=(
            "FAISS structure; auto is flat up to 50,000 products, HNSW beyond; others keep short "
            "codes in memory and the vectors on disk. A change needs `shopsearch reindex`."
        ),
    )
    words: Literal["memory", "database"] = Field(
        "memory",
        description=(
            "Where a search looks words up: in memory (about 0.6 KB a product), from files that "
            "each index generation has, or in the database, which is slower from some 10,000 "
            "products on; a change needs `shopsearch reindex`."
        ),
    )
    keep_generations: int = Field(
        3,
        ge=1,
        description=(
            "How many index generations stay on disk; the last one of each of as many days too."
        ),
    )

    index_nice: int = Field(
        10,
        ge=0,
        le=19,
        description=(
            "How far commands that index step back for searches on the same machine, as in nice(1)."
        ),
    )
    batch_size: int = Field(64, ge=1, le=4096, description="Products indexed at a time.")
    currency: str | None = Field(
        None, pattern="^[A-Za-z]{3}$", description="ISO 4217 code of prices that name none."
    )
    max_image_pixels: int = Field(50_000_000, ge=1, description="Larger pictures are refused.")
    max_image_bytes: int = Field(20_000_000, ge=1, description="Larger picture files are refused.")
    further_pictures: int = Field(
        8,
        ge=0,
        le=100,
        description="Pictures of a product beside the main one that its page shows, at most.",
    )
    fetch_timeout_s: float = Field(
        15.0, gt=0, description="Time limit of one picture fetch, further tries included."
    )
    fetch_allow_hosts: tuple[str, ...] = Field(
        (),
        description=(
            "Hosts whose private addresses may be fetched from, as a JSON list of hosts, of names "
            "with a star (`*.cdn.shop`) and, for feeds alone, of networks (`10.1.0.0/16`)."
        ),
    )
    fetch_per_host: int = Field(
        6, ge=1, le=256, description="Pictures that are fetched from one host at a time."
    )
    fetch_retries: int = Field(
        3, ge=0, le=10, description="Further tries where a host fails or asks to wait."
    )
    fetch_give_up_after: int = Field(
        10,
        ge=0,
        description=(
            "After so many failed fetches in a row a host is not asked for some time; 0 never "
            "gives up."
        ),
    )
    fetch_fresh_hours: float = Field(
        24.0,
        ge=0,
        le=8760,
        description=(
            "After so many hours it is asked whether a picture has changed, unless its host names "
            "a time (a twenty-fourth to seven times this one); 0 asks in each run."
        ),
    )

    host: str = Field("127.0.0.1", description="Address that `serve` listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that `serve` listens on.")
    shop_name: str = Field(
        "shopsearch", min_length=1, max_length=60, description="What the pages call the shop."
    )
    theme: Path | None = Field(
        None, description="A CSS file over the values of the look, see docs/theming.md."
    )
    logo: Path | None = Field(
        None, description="A picture in the head of the pages: SVG, PNG, WebP or JPEG."
    )
    workers: int = Field(1, ge=1, description="Server processes; each loads model and index.")
    worker_threads: int = Field(
        4, ge=1, description="Searches that a server process works on at once."
    )
    queue_size: int = Field(
        128,
        ge=0,
        description=(
            "Searches that wait in a server process for their turn; further ones are answered 503."
        ),
    )
    request_timeout_s: float = Field(
        10.0,
        gt=0,
        description=(
            "A search that takes longer, with its waiting, is answered 503; a proxy in front "
            "should wait a little longer."
        ),
    )
    read_timeout_s: float = Field(
        10.0,
        gt=0,
        description=(
            "A client that takes longer to send the head of a request is cut off; its body may "
            "take a second more for each 32 KiB."
        ),
    )
    micro_batch: Literal["on", "off"] = Field(
        "on", description="Whether a server encodes what is searched for at the same time together."
    )
    batch_wait_ms: float = Field(
        0.0,
        ge=0,
        le=100,
        description=(
            "How long the first of a batch waits for others; with 0 a batch is what has come while "
            "the one before was encoded."
        ),
    )
    query_cache: int = Field(
        4096,
        ge=0,
        description=(
            "Embeddings of words, and as many of pictures, that a server process remembers of the "
            "queries asked last, 2 KB each; 0 remembers none."
        ),
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        description="How many proxies before the server add to `X-Forwarded-For`; 0 ignores it.",
    )
    public_url: str | None = Field(
        None,
        description=(
            "Where visitors reach the pages, such as `https://search.shop.example`: product pages "
            "tell search engines and messengers their whole address then."
        ),
    )
    public_scopes: tuple[Scope, ...] = Field(
        (Scope.SEARCH, Scope.RECOMMEND, Scope.EVENTS),
        description=(
            "What may be done without an API key, as a JSON list of `search`, `recommend` and "
            "`events`; `[]` closes API and pages. See docs/access.md."
        ),
    )
    metrics_public: bool = Field(
        False, description="Whether `/metrics` is open; else it needs a key of scope `admin`."
    )
    rate_limit: str = Field(
        "600/minute",
        description=(
            "Requests that one API key, or one address without a key, may make, such as "
            "`20/second; 600/minute`; `off` for any number."
        ),
    )
    rate_limit_write: str = Field(
        "300/minute", description="The same for requests that write products."
    )
    rate_limit_storage: str = Field(
        "memory://",
        description=(
            "Where requests are counted: `memory://`, each server process by itself, or "
            "`redis://HOST:6379/0`, all together."
        ),
    )
    cors_origins: tuple[str, ...] = Field(
        (),
        description=(
            "Other sites whose pages may ask the API from the browser, as a JSON list such as "
            '`["https://www.shop.example"]`.'
        ),
    )
    audit_days: int = Field(
        365, ge=1, le=3650, description="Entries of the audit log are deleted after so many days."
    )
    search_log: Literal["on", "off"] = Field(
        "on", description="Whether `serve` logs searches and clicks; see docs/privacy.md."
    )
    search_log_days: int = Field(
        90, ge=1, le=3650, description="Logged searches are deleted after so many days."
    )
    events: Literal["on", "off"] = Field(
        "on", description="Whether `serve` keeps the events that it is sent; see docs/events.md."
    )
    events_days: int = Field(
        365, ge=1, le=3650, description="Events are deleted after so many days."
    )
    otel_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+(/\S*)?$",
        description=(
            "Where traces go, over OTLP/HTTP, such as `http://127.0.0.1:4318/v1/traces`; nowhere "
            "when unset. Needs `pip install 'shopsearch[otel]'`."
        ),
    )
    otel_sample: float = Field(
        1.0,
        ge=0,
        le=1,
        description="Share of requests that are traced, where the caller has not decided it.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged."
    )
    log_format: Literal["console", "json"] = Field("console", description="How logs are written.")

    @field_validator("fetch_allow_hosts")
    @classmethod
    def _are_hosts(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        AllowedHosts(entries)  # raises ValueError, which names the entry
        return entries

    @field_validator("public_scopes")
    @classmethod
    def _are_harmless(cls, scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
        if closed := sorted({Scope.CATALOG, Scope.ADMIN}.intersection(scopes)):
            raise ValueError(f"{' and '.join(closed)} cannot be public: make a key for it")
        return scopes

    @field_validator("rate_limit", "rate_limit_write")
    @classmethod
    def _are_rates(cls, rates: str) -> str:
        parts = [part.strip() for part in rates.split(";")]
        if parts in ([""], ["off"]):
            return "off"
        if not all(_RATE.fullmatch(part) for part in parts):
            raise ValueError("write 600/minute, 20/second; 600/minute, or off")
        return "; ".join(parts)

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, url: str | None) -> str | None:
        origin = None if url is None else url.strip().lower().removesuffix("/")
        if origin and not _ORIGIN.fullmatch(origin):
            raise ValueError(
                "write https://search.shop.example, by its name, with the port where it is not the "
                "usual one; pages are at its root, so nothing comes after it"
            )
        return origin or None

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin; write https://www.shop.example, each by its name, "
                    "with the port where it is not the usual one, and nothing after it"
                )
        return origins

    @property
    def resolved_database_url(self) -> str:
        """Where the product database is."""
        return self.database_url or f"sqlite:///{(self.home / 'catalog.db').resolve()}"


def load_settings(**overrides: object) -> Settings:
    """The settings in force; overrides that are None do not count. Raises `SettingsError`."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic validates what it is given
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except OSError as error:
        raise SettingsError(f"the settings cannot be read: {error}") from error


def _explain(error: ValidationError) -> str:
    faults = [
        f"SHOPSEARCH_{'_'.join(str(part) for part in fault['loc']).upper()}="
        f"{fault['input']!r}: {fault['msg']}"
        for fault in error.errors()
    ]
    return "these settings do not hold: " + "; ".join(faults) + " (see docs/settings.md)"
