"""Questionnaires become forms: what can be asked is, what cannot is named by its linkId, and again changes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from fhir.questionnaires import map_questionnaire, map_value_set
from fhir.questionnaires_in import questions_of
from fhir.reading import BadResource
from fhir.tests.builders import bundle, command, ndjson, run
from forms_app import services
from forms_app.models import FormTemplate

pytestmark = pytest.mark.django_db
DATA = Path(os.environ.get("SHARED_DATA", settings.BASE_DIR.parent / "shared" / "data")) / "smart-proms"


def questionnaire(*items: dict[str, Any], pk: str = "back-pain", **changes: Any) -> dict[str, Any]:
    given = {"resourceType": "Questionnaire", "id": pk, "status": "active", "title": "Back pain", "item": list(items)}
    return {key: value for key, value in (given | changes).items() if value is not None}


def item(link_id: str = "how-long", kind: str = "integer", **changes: Any) -> dict[str, Any]:
    return {"linkId": link_id, "type": kind, "text": "How many days?", **changes}


def value_set(*codes: tuple[str, str], pk: str = "yes-no", **changes: Any) -> dict[str, Any]:
    concepts = [{"code": code, "display": display} for code, display in codes]
    compose = {"include": [{"system": "http://example.com/answers", "concept": concepts}]}
    return {"resourceType": "ValueSet", "id": pk, "url": f"http://example.com/{pk}", "compose": compose} | changes


YES_NO = value_set(("Y", "Yes"), ("N", "No"))


def asked(*items: dict[str, Any], sets: Any = (YES_NO,)) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    data = map_questionnaire(questionnaire(*items))
    questions, refused = questions_of(data, [map_value_set(one) for one in sets])
    return questions, [(one.link_id, one.reason) for one in refused]


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("boolean", {}, {"type": "boolean"}),
        ("decimal", {}, {"type": "number"}),
        ("date", {}, {"type": "date"}),
        ("string", {"maxLength": 40}, {"type": "text", "max_length": 40}),
        ("text", {"maxLength": 90_000}, {"type": "long_text", "max_length": 5000}),
        ("display", {"required": True}, {"type": "display", "required": False}),
        (
            "integer",
            {
                "extension": [
                    {"url": "http://hl7.org/fhir/StructureDefinition/minValue", "valueInteger": 0},
                    {"url": "http://hl7.org/fhir/StructureDefinition/maxValue", "valueInteger": 10},
                ]
            },
            {"type": "integer", "min": 0, "max": 10},
        ),
        (
            "choice",
            {"answerOption": [{"valueCoding": {"code": "LA-6", "display": "Never"}}, {"valueString": "Now and then"}]},
            {
                "type": "choice",
                "choices": [{"value": "la-6", "text": "Never"}, {"value": "now-and-then", "text": "Now and then"}],
            },
        ),
        (
            "choice",
            {"repeats": True, "option": [{"valueInteger": 1}, {"valueInteger": 2}]},
            {"type": "multiple_choice", "choices": [{"value": "1", "text": "1"}, {"value": "2", "text": "2"}]},
        ),
        (
            "choice",
            {"answerValueSet": "http://example.com/yes-no|1.0"},
            {"type": "choice", "choices": [{"value": "y", "text": "Yes"}, {"value": "n", "text": "No"}]},
        ),
        (
            "choice",
            {"options": {"reference": "ValueSet/yes-no"}},
            {"type": "choice", "choices": [{"value": "y", "text": "Yes"}, {"value": "n", "text": "No"}]},
        ),
    ],
)
def test_each_type_of_item_becomes_a_question(kind, more, expected):
    [question], refused = asked(item("Usual Pain/2", kind, **more))
    assert refused == []
    assert question == {"id": "usual-pain-2", "text": "How many days?", "required": False} | question | expected


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (item("x", "attachment"), "is of the type attachment, which a form cannot ask"),
        (item("x", "open-choice"), "is of the type open-choice, which a form cannot ask"),
        (item("x", text=None), "has no text"),
        (item("x", readOnly=True), "is read only: nobody would answer it"),
        (item("x", repeats=True), "may be answered several times, which a form asks of choices only"),
        (item("??"), "has a linkId without letters and digits"),
        (item("x", "choice"), "offers no answers to choose from"),
        (
            item("x", "choice", answerValueSet="http://example.com/other"),
            "takes its answers from http://example.com/other, which the files do not hold",
        ),
        (
            item("x", "choice", answerValueSet="http://example.com/open"),
            "takes its answers from http://example.com/open, which does not list them",
        ),
        (
            item("x", "group", repeats=True, item=[item("y")]),
            "is a group that may be repeated, and is left out with its items",
        ),
        (item("x", text="a" * 5001), "cannot be asked (text: Use at most 5000 characters.)"),
        (
            item("x", "choice", answerOption=[{"valueInteger": one} for one in range(51)]),
            "cannot be asked (choices: Give between 1 and 50 choices.)",
        ),
    ],
)
def test_what_a_form_cannot_ask_is_refused_by_its_link_id_and_the_rest_goes_on(made, reason):
    open_set = value_set(pk="open", compose={"include": [{"system": "http://loinc.org"}]})
    questions, refused = asked(made, item("left"), sets=(YES_NO, open_set))
    assert [one["id"] for one in questions] == ["left"]
    assert refused == [(made["linkId"], reason)]


def test_two_link_ids_that_read_alike_are_not_one_question():
    questions, refused = asked(item("Usual pain"), item("usual-pain"))
    assert [one["id"] for one in questions] == ["usual-pain"]
    assert refused == [("usual-pain", "reads like the linkId “Usual pain” of an earlier item")]


def test_files_that_use_one_id_for_two_lists_of_answers_keep_their_own(clinic, tmp_path):
    other = value_set(("1", "Left"), ("2", "Right"))
    ask = item("x", "choice", options={"reference": "ValueSet/yes-no"})
    first = ndjson(tmp_path / "a.ndjson", questionnaire(ask, pk="first"), YES_NO)
    second = ndjson(tmp_path / "b.ndjson", questionnaire(ask, pk="second"), other)
    assert run(clinic, first, second).problems == []
    offered = {
        form.slug: [one["text"] for one in form.versions.get().questions[0]["choices"]]
        for form in FormTemplate.objects.all()
    }
    assert offered == {"first": ["Yes", "No"], "second": ["Left", "Right"]}
    third = ndjson(tmp_path / "c.ndjson", questionnaire(ask, item("y"), pk="third"))
    [problem] = run(clinic, first, second, third).problems
    assert problem.text.endswith("takes its answers from ValueSet/yes-no, which the files tell in different ways")
    assert run(clinic, first, third).problems == []


def test_groups_give_their_heading_and_their_items_in_order():
    questions, _ = asked(
        item("g", "group", text="Sleep", item=[item("a"), item("h", "group", text=None, item=[item("b")])])
    )
    assert [(one["id"], one["type"]) for one in questions] == [("g", "display"), ("a", "integer"), ("b", "integer")]


def test_what_hangs_on_an_answer_is_never_required():
    when = [{"question": "a", "operator": "exists", "answerBoolean": True}]
    below = item("a", required=True, item=[item("b", required=True)])
    questions, _ = asked(below, item("c", required=True, enableWhen=when), item("d", required=True))
    assert [(one["id"], one["required"]) for one in questions] == [
        ("a", True),
        ("b", False),
        ("c", False),
        ("d", True),
    ]


def test_codes_that_come_to_one_value_stay_two_answers():
    [question], _ = asked(item("x", "choice", answerOption=[{"valueString": "A b"}, {"valueString": "a-b"}]))
    assert [(one["value"], one["text"]) for one in question["choices"]] == [("a-b", "A b"), ("a-b-2", "a-b")]


@pytest.mark.parametrize(
    ("changes", "path"), [({"status": "final"}, "status"), ({"item": "x"}, "item"), ({"id": None}, "id")]
)
def test_what_is_no_questionnaire_says_where(changes, path):
    with pytest.raises(BadResource) as error:
        map_questionnaire(questionnaire(item(), **changes))
    assert error.value.path == path


def outcomes(report: Any) -> dict[str, int]:
    return {name: n for name, n in report.counts["Questionnaire"].items() if n}


def test_one_that_can_be_asked_whole_is_published(clinic, tmp_path):
    path = ndjson(tmp_path / "a.ndjson", questionnaire(item("x", "choice", answerValueSet=YES_NO["url"])), YES_NO)
    report = run(clinic, path)
    assert (outcomes(report), report.problems, report.ignored) == ({"created": 1}, [], {})
    form = FormTemplate.objects.get()
    assert (form.slug, form.name, form.kind, form.external_id, form.draft) == (
        "back-pain",
        "Back pain",
        "questionnaire",
        "back-pain",
        {},
    )
    assert [one["id"] for one in form.versions.get().questions] == ["x"]


@pytest.mark.parametrize(
    "given", [questionnaire(item(), status="draft"), questionnaire(item(), item("photo", "attachment"))]
)
def test_a_draft_or_one_that_lost_an_item_waits_for_a_person(clinic, tmp_path, given):
    path = ndjson(tmp_path / "a.ndjson", given)
    report = run(clinic, path)
    lost = [problem.text for problem in report.problems]
    assert lost == [
        f"Questionnaire back-pain: item “{one['linkId']}” is of the type attachment, which a form cannot ask"
        for one in given["item"]
        if one["type"] == "attachment"
    ]
    form = FormTemplate.objects.get()
    assert (form.versions.count(), [one["id"] for one in form.draft["questions"]]) == (0, ["how-long"])
    assert outcomes(run(clinic, path)) == {"unchanged": 1}
    services.publish_template_version(form, **form.draft)
    form.refresh_from_db()
    assert (form.draft, form.versions.get().title) == ({}, "Back pain")
    assert outcomes(run(clinic, path)) == {"unchanged": 1}


def test_again_changes_nothing_and_another_wording_is_the_next_version(clinic, tmp_path):
    path = ndjson(tmp_path / "a.ndjson", questionnaire(item()))
    run(clinic, path)
    assert outcomes(run(clinic, path)) == {"unchanged": 1}
    form = FormTemplate.objects.get()
    services.publish_template_version(form, title="Ours", questions=form.versions.get().questions)
    assert outcomes(run(clinic, path)) == {"unchanged": 1}
    assert form.versions.order_by("-number").first().title == "Ours"
    run(clinic, ndjson(tmp_path / "b.ndjson", questionnaire(item(text="How many nights?"))))
    assert [one.questions[0]["text"] for one in form.versions.order_by("number")][-1] == "How many nights?"
    assert form.versions.count() == 3


def test_a_retired_one_is_archived_and_none_is_made_of_an_unknown_one(clinic, tmp_path):
    retired = ndjson(tmp_path / "b.ndjson", questionnaire(item(), status="retired"))
    report = run(clinic, retired)
    assert [problem.text for problem in report.problems] == ["Questionnaire: is retired, and no form is made of it"]
    assert FormTemplate.objects.count() == 0
    run(clinic, ndjson(tmp_path / "a.ndjson", questionnaire(item())))
    assert outcomes(run(clinic, retired)) == {"updated": 1}
    assert FormTemplate.objects.get().archived_at is not None
    assert outcomes(run(clinic, retired)) == {"unchanged": 1}


def test_a_form_of_the_clinics_own_with_that_slug_is_left_alone(clinic, tmp_path):
    ours = services.create_template(clinic=clinic, slug="back-pain", name="Ours", kind="survey")
    run(clinic, ndjson(tmp_path / "a.ndjson", questionnaire(item())))
    assert set(FormTemplate.objects.values_list("slug", "name")) == {
        ("back-pain", "Ours"),
        ("fhir-back-pain", "Back pain"),
    }
    assert ours.versions.count() == 0


def test_one_without_a_question_is_refused_and_its_neighbour_is_not(clinic, tmp_path):
    empty = questionnaire(item("x", "display"), pk="empty")
    report = run(clinic, ndjson(tmp_path / "a.ndjson", empty, questionnaire(item())))
    assert outcomes(report) == {"created": 1, "refused": 1}
    assert [problem.text for problem in report.problems] == ["Questionnaire: holds no question that a form can ask"]


def test_each_clinic_gets_its_own(clinic, other_clinic, tmp_path):
    path = ndjson(tmp_path / "a.ndjson", questionnaire(item()))
    run(clinic, path)
    assert outcomes(run(other_clinic, path)) == {"created": 1}
    assert FormTemplate.objects.filter(external_id="back-pain").count() == 2


def test_the_command_names_what_was_left_out(clinic, tmp_path, capsys):
    given = bundle(questionnaire(item(), item("photo", "attachment")))
    (tmp_path / "a.json").write_text(json.dumps(given))
    command("--clinic", "north", tmp_path / "a.json")
    out, err = capsys.readouterr()
    assert "Questionnaire: 1 created, 0 updated, 0 unchanged, 0 refused" in out
    assert "a.json:1 entry[0]: Questionnaire back-pain: item “photo” is of the type attachment" in err


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent; SHARED_DATA names the folder that holds smart-proms")
def test_six_real_questionnaires_arrive_once(clinic):
    paths = sorted(DATA.glob("0-*.json"))
    report = run(clinic, *paths)
    assert (outcomes(report), report.problems) == ({"created": 6}, [])
    counts = {
        form.external_id[-4:]: len(form.versions.get().questions) for form in FormTemplate.objects.order_by("slug")
    }
    assert counts == {"QUE1": 18, "QUE2": 6, "QUE3": 12, "QUE4": 13, "QUE5": 13, "QUE6": 23}
    assert outcomes(run(clinic, *paths)) == {"unchanged": 6}
