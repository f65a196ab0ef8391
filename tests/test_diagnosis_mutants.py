"""Mutants of diagnosis: with a check taken out, a test of it fails. Each mutant belongs to a point of what is promised.

A mutant replaces a function or a bound in a module, and its tests run in this process, with it and without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from fqtool.commands.check_drift import audit, rules_data
from fqtool.commands.daily import rules as rules_of_figures
from fqtool.commands.diagnose import (
    anomalies,
    anomalies_of_labels,
    anomalies_of_values,
    baseline,
    gate_falls,
    root_causes,
    row_causes,
    row_counts,
    stats_query,
    swaps,
    wording,
)
from fqtool.commands.diagnose.shapes import Shape
from tests import (
    test_anomalies,
    test_check_data,
    test_known_events,
    test_lasting_problems,
    test_layouts,
    test_relations_of_rows,
    test_root_causes,
    test_upstream_values,
    test_value_laws,
)
from tests.mutated import Mutant, never, none, nothing

NUMBERS, ROWS, DECLARED, OBSERVED, CAUSES, RELATIONS, EVENTS, REMEDIES, GATES = (
    "NULL, NaN and infinity", "rows and groups", "declarations hold", "independent observations",
    "causes and evidence", "declared relations", "events", "a remedy for each cause", "gates and thresholds",
)  # fmt: skip


def without(look: str, point: str, *tests: Callable[[], None]) -> Mutant:
    """Anomalies without one kind."""
    kept = tuple(one for one in anomalies._LOOKS if one.__name__ != look)
    assert len(kept) == len(anomalies._LOOKS) - 1
    return Mutant(point, anomalies, "_LOOKS", kept, tests)


def without_record(own: Any, moving: Any, signs: Any, ran: bool, silent: bool, stale: bool) -> Any:
    """The kind of a root cause, whatever run is recorded."""
    del ran
    return kind_of(own, moving, signs, False, silent, stale)


kind_of = root_causes._kind
SHIFT = test_lasting_problems.CHANGES[0]
spoiled = partial(partial, test_layouts.test_what_is_wrong_with_rows_and_values_is_named)
of_causes, of_rows, of_events = test_root_causes, test_relations_of_rows, test_known_events

MUTANTS = (
    without("missing", NUMBERS, of_causes.test_a_feature_that_is_null_or_nan_under_good_labels_is_named),
    without("not_finite", NUMBERS, of_causes.test_a_feature_that_is_null_or_nan_under_good_labels_is_named),
    Mutant(
        NUMBERS, stats_query, "FLOAT64", None, (spoiled("NaN in all rows"),
        of_causes.test_the_query_counts_groups_repetitions_and_neighbours),
    ),
    Mutant(ROWS, row_causes, "groups_gone", nothing, (of_causes.test_a_group_without_rows_is_named,)),
    Mutant(ROWS, row_causes, "groups_new", nothing, (of_causes.test_a_new_group_is_named_where_groups_never_change,)),
    Mutant(
        ROWS, row_causes, "repeated_keys", nothing, (of_causes.test_repeated_keys_and_a_count_that_fell_are_named,)
    ),
    Mutant(ROWS, row_causes, "unusual_count", none, (of_causes.test_repeated_keys_and_a_count_that_fell_are_named,)),
    Mutant(ROWS, row_counts, "_far_from_weekday", never, (of_rows.test_a_count_is_compared_with_its_weekday,)),
    Mutant(
        ROWS, root_causes, "usual_rows", none,
        (of_causes.test_a_date_without_rows_is_named_where_dates_before_have_rows, spoiled("no rows")),
    ),
    Mutant(
        ROWS, row_counts, "_same_weekdays", nothing,
        (of_causes.test_a_date_without_rows_is_named_where_dates_before_have_rows,),
    ),
    without("outside", DECLARED, of_causes.test_a_declared_range_holds_on_every_date),
    Mutant(
        DECLARED, anomalies_of_labels, "_more_than_declared", none,
        (of_causes.test_a_lasting_share_of_default_values_does_not_become_usual,),
    ),
    Mutant(
        DECLARED, anomalies_of_labels, "_USUALLY_REAL", 2.0,
        (of_causes.test_a_lasting_share_of_default_values_does_not_become_usual,),
    ),
    Mutant(
        DECLARED, root_causes, "lasting_causes", nothing,
        (test_lasting_problems.test_more_default_values_do_not_become_usual,
        partial(test_lasting_problems.test_a_change_is_found_after_the_whole_baseline_has_it, *SHIFT, 16)),
    ),
    without("constant", DECLARED, of_causes.test_a_feature_constant_since_its_first_date_is_named),
    without(
        "shifted", DECLARED,
        partial(of_causes.test_optional_excuses_absence_alone, lambda values: [one + 8 for one in values]),
    ),
    Mutant(
        OBSERVED, anomalies_of_values, "FEW", 0,
        (of_causes.test_three_values_that_all_rows_share_are_three_observations,),
    ),
    Mutant(
        OBSERVED, anomalies_of_values, "_own", lambda *_: 1.0,
        (of_rows.test_a_small_shift_of_values_that_follow_their_key_is_found,),
    ),
    Mutant(
        OBSERVED, root_causes, "shares_values", never, (of_causes.test_few_values_that_rows_share_repeat_by_chance,)
    ),
    Mutant(
        OBSERVED, baseline.Baseline, "reach", lambda *_: 0.0,
        (test_anomalies.test_few_teams_are_farther_from_the_usual,),
    ),
    Mutant(OBSERVED, baseline, "_TRIMMED", 99, (of_causes.test_one_bad_date_in_the_baseline_does_not_hide_a_shift,)),
    Mutant(
        OBSERVED, baseline.Baseline, "is_of_weekday", never,
        (of_causes.test_a_level_that_the_weekday_had_before_is_usual,),
    ),
    Mutant(CAUSES, root_causes, "_kind", without_record, (of_causes.test_a_processor_that_recorded_a_run_did_run,)),
    Mutant(
        CAUSES, root_causes, "unrecorded_rows", lambda *_: 0,
        (of_causes.test_a_run_that_many_rows_do_not_record_is_absent,),
    ),
    Mutant(CAUSES, root_causes, "older_runs", lambda *_: 0, (of_causes.test_a_processor_that_recorded_a_run_did_run,)),
    Mutant(
        CAUSES, root_causes, "shape_of", lambda *_: Shape(""),
        (of_causes.test_another_unit_a_flipped_sign_and_a_shift_differ_in_words,),
    ),
    Mutant(
        CAUSES, swaps, "swap_in_law", none, (test_value_laws.test_a_broken_equals_names_two_swapped_features,)
    ),
    Mutant(CAUSES, swaps, "swaps", nothing, (of_rows.test_two_swapped_features_are_one_finding,)),
    Mutant(
        CAUSES, root_causes, "_EDGE", 99, (of_causes.test_since_the_first_date_that_was_read_is_at_least_since,)
    ),
    without("repeated", CAUSES, of_causes.test_repetition_of_two_fifths_of_the_keys_is_found),
    without("unrelated", CAUSES, of_causes.test_values_of_other_keys_are_far_from_the_key_s_previous_row),
    without(
        "broken", RELATIONS, *(partial(test_value_laws.test_one_row_that_breaks_a_law_is_reported, law)
        for law in test_value_laws.BROKEN),
    ),
    Mutant(
        RELATIONS, rules_data, "law_text", lambda *_: "", (test_value_laws.test_a_whole_number_is_a_step_of_one,)
    ),
    Mutant(
        RELATIONS, audit.ValueLaws, "broken", nothing,
        (test_value_laws.test_without_a_season_a_new_start_breaks_the_order,),
    ),
    Mutant(
        RELATIONS, test_upstream_values, "check_data", nothing,
        (test_upstream_values.test_a_value_beyond_the_tolerance_is_reported,),
    ),
    Mutant(
        EVENTS, root_causes, "event_of", none,
        (
            partial(of_events.test_a_known_event_makes_its_finding_a_note, ["level"], []),
            of_events.test_a_problem_that_outlives_its_event_is_reported_again,
            of_events.test_an_event_without_features_is_about_whole_rows,
        ),
    ),
    Mutant(
        EVENTS, root_causes, "without_ended_events", lambda _, days, **__: days,
        (of_events.test_the_end_of_an_event_has_no_finding,
         of_events.test_a_problem_that_an_event_had_before_is_found_after_it),
    ),
    Mutant(
        EVENTS, rules_of_figures, "known_features", lambda *_: frozenset(),
        (of_events.test_a_figure_is_a_note_where_only_features_of_a_known_event_are_behind_it,),
    ),
    Mutant(
        EVENTS, root_causes, "OF_LEVEL", (),
        (of_causes.test_means_of_several_processors_that_move_together_are_one_finding_that_may_be_real,),
    ),
    Mutant(
        REMEDIES, wording, "look_at", lambda *_: "",
        (of_causes.test_running_again_is_advised_only_where_a_run_is_missing_or_old,),
    ),
    *(
        Mutant(GATES, root_causes, name, nothing, (of_causes.test_a_gate_that_falls_without_a_cause_names_features,))
        for name in ("fallen_gates", "features_behind")
    ),
    Mutant(
        GATES, audit.Audit, "_versions", {},
        (partial(test_check_data.test_what_writers_get_wrong, "another version of the vector"),),
    ),
    Mutant(
        GATES, audit.Audit, "_equal", (),
        (partial(test_check_data.test_what_writers_get_wrong, "a count that is not the length of the vector"),),
    ),
    Mutant(
        GATES, gate_falls, "features_behind", nothing,
        (of_causes.test_the_absence_of_an_optional_feature_excuses_a_gate,),
    ),
    Mutant(
        GATES, rules_of_figures, "features_read", nothing,
        (of_events.test_a_figure_is_a_note_where_only_features_of_a_known_event_are_behind_it,),
    ),
)  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_check_that_is_taken_out_fails_its_tests(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test passes with the check, and fails by its own assertion without it."""
    mutant.require_failures(monkeypatch)


def test_each_point_has_a_mutant() -> None:
    """None of the nine is left out."""
    points = {NUMBERS, ROWS, DECLARED, OBSERVED, CAUSES, RELATIONS, EVENTS, REMEDIES, GATES}
    assert points == {one.point for one in MUTANTS}
