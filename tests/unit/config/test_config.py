"""The configuration file becomes a Config, or all its mistakes are told at once."""

from pathlib import Path

import msgspec
import pytest

from bot.config import Config, ConfigFileError, find_config, find_data_dir, json_schema, load
from bot.model.settings import CoreSettings

REPOSITORY = Path(__file__).parents[3]


def config_of(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def mistakes_of(tmp_path: Path, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(ConfigFileError) as caught:
        config_of(tmp_path, text)
    return [(m.line, m.what, m.remedy) for m in caught.value.mistakes]


def test_an_empty_file_is_the_embedded_default(tmp_path: Path) -> None:
    assert Config() == config_of(tmp_path, "")


def test_c1_unknown_key_names_the_nearest_with_its_range(tmp_path: Path) -> None:
    assert [
        (
            2,
            "risk.levarage is not a key.",
            "Did you mean risk.max_leverage (a number, 1 to 10, default 3.0)?",
        )
    ] == mistakes_of(tmp_path, "risk:\n  levarage: 3\n")


def test_c1_unknown_key_in_the_wrong_section_names_the_right_one(tmp_path: Path) -> None:
    assert [(2, "heatmap.risk_pct is not a key.", "Did you mean risk.risk_pct?")] == mistakes_of(
        tmp_path, "heatmap:\n  risk_pct: 1\n"
    )


def test_all_mistakes_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    found = mistakes_of(
        tmp_path, "mode: papr\nrisk:\n  risk_pct: on\nheatmap:\n  provider: htpp\n  x: 1\n"
    )

    assert [1, 3, 5, 6] == [line for line, _, _ in found]


def test_an_unknown_choice_lists_the_choices(tmp_path: Path) -> None:
    assert [
        (2, 'heatmap.provider is "htpp".', "It must be one of: http, local, default http.")
    ] == mistakes_of(tmp_path, "heatmap:\n  provider: htpp\n")


@pytest.mark.parametrize("text", ["on", "010", "12:30:45", ".nan", "2026-01-28", "'0.5'"])
def test_c3_yaml_traps_never_become_a_number(tmp_path: Path, text: str) -> None:
    assert 1 == len(mistakes_of(tmp_path, f"risk:\n  risk_pct: {text}\n"))


@pytest.mark.parametrize(
    "setting",
    [
        "risk_pct: 200",
        "risk_pct: 0",
        "max_leverage: 125",
        "max_positions: 0",
        "day_loss_pct: 100",
        "min_net_rr: 0",
    ],
)
def test_c6_absurd_risk_is_refused_by_a_ceiling_in_code(tmp_path: Path, setting: str) -> None:
    found = mistakes_of(tmp_path, f"risk:\n  {setting}\n")

    assert 1 == len(found)
    assert "It must be" in found[0][2]


def test_c6_a_stop_distance_of_nothing_is_refused(tmp_path: Path) -> None:
    assert 1 == len(mistakes_of(tmp_path, "strategies:\n  hunt:\n    stop_atr: 0\n"))


def test_c7_live_on_made_up_prices_is_refused_in_a_sentence(tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, "mode: live\n")

    assert [
        (
            1,
            "mode is live, and market.source is simulated: real orders need the exchange's prices.",
            "Set market.source: exchange, or mode: paper.",
        )
    ] == found


def test_what_the_core_reads_of_the_venue_is_the_exchanges_when_live(tmp_path: Path) -> None:
    text = "mode: live\nmarket: {source: exchange}\nexchange: {leverage: 7}\n"
    core = config_of(tmp_path, text).core(instance="")

    assert (7.0, True) == (core.venue_leverage, core.is_live)


def test_c13_a_symbol_that_is_none_is_refused(tmp_path: Path) -> None:
    assert 1 == len(mistakes_of(tmp_path, "symbols: ['USDT']\n"))
    assert 1 == len(mistakes_of(tmp_path, "symbols: ['B$C']\n"))


def test_a_symbol_named_twice_in_two_spellings_is_refused(tmp_path: Path) -> None:
    found = mistakes_of(tmp_path, "symbols: [BTCUSDT, btc]\n")

    assert "twice" in found[0][1]


def test_symbols_may_carry_the_providers_name_and_scale(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        "symbols:\n  - btc\n  - {name: 1000PEPE, heatmap_symbol: PEPEUSDT, heatmap_factor: 1000}\n",
    )

    assert ["BTC/USDT:USDT", "1000PEPE/USDT:USDT"] == list(config.symbol_settings)


@pytest.mark.parametrize("text", ["nan", "'-1'", "-1", "'abc'"])
def test_money_that_is_no_amount_is_refused(tmp_path: Path, text: str) -> None:
    assert mistakes_of(tmp_path, f"paper:\n  balance_usd: {text}\n")


def test_recorded_without_a_folder_is_refused(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, "market:\n  source: recorded\n")


def test_the_file_in_the_repository_is_the_default() -> None:
    assert Config() == load(REPOSITORY / "config.yaml")


def test_config_is_found_by_argument_then_environment_then_here(tmp_path: Path) -> None:
    assert Path("a.yaml") == find_config("a.yaml", {"LIQBOT_CONFIG": "b.yaml"})
    assert Path("b.yaml") == find_config(None, {"LIQBOT_CONFIG": "b.yaml"})
    assert Path("config.yaml") == find_config(None, {"CONFIGURATION_DIRECTORY": str(tmp_path)})


def test_data_directory_follows_the_documented_order(tmp_path: Path) -> None:
    here = tmp_path / "config.yaml"
    plain, named = Config(), Config(data_dir="ledger")
    environ = {"LIQBOT_DATA_DIR": "/env", "STATE_DIRECTORY": "/state"}

    assert Path("/arg") == find_data_dir(named, here, "/arg", environ)
    assert Path("/env") == find_data_dir(named, here, None, environ)
    assert Path("/state") == find_data_dir(named, here, None, {"STATE_DIRECTORY": "/state"})
    assert tmp_path / "ledger" == find_data_dir(named, here, None, {})
    assert tmp_path / "data" == find_data_dir(plain, here, None, {})


def test_the_schema_knows_every_section() -> None:
    schema = json_schema()

    assert {"risk", "heatmap", "market"} <= set(schema["$defs"]["Config"]["properties"])


@pytest.mark.parametrize("speed", [0, 60])
def test_what_the_core_reads_can_be_read_back_from_a_journal(tmp_path: Path, speed: int) -> None:
    """A replay begins with it, and refuses figures out of their range."""
    path = tmp_path / "config.yaml"
    path.write_text(
        f"market: {{source: recorded, recorded: {{folder: x, speed: {speed}}}}}\n"
        "heatmap: {provider: local}\n",
        encoding="utf-8",
    )
    core = load(path).core(instance="mine")

    assert core == msgspec.json.decode(msgspec.json.encode(core), type=CoreSettings)
