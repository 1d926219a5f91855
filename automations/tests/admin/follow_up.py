"""A rule with something of everything, as somebody elsewhere wrote it."""

FOLLOW_UP = {
    "trigger_event": "appointment.completed",
    "trigger_config": {},
    "conditions": {
        "match": "all",
        "items": [
            {"field": "appointment.service", "op": "is_any_of", "value": ["initial-evaluation"]},
            {
                "field": "group",
                "match": "any",
                "items": [
                    {"field": "patient.age", "op": "between", "value": [18, 64.5]},
                    {"field": "patient.age", "op": "is_empty"},
                    {"field": "patient.tags", "op": "has_any_of", "value": ["vip", "new"]},
                    {
                        "field": "group",
                        "match": "none",
                        "items": [
                            {
                                "field": "patient.appointment_count",
                                "op": "gte",
                                "value": 2,
                                "window": {"amount": 3, "unit": "months"},
                                "services": ["initial-evaluation"],
                                "statuses": ["completed", "no_show"],
                            },
                            {
                                "field": "patient.registered_at",
                                "op": "in_last",
                                "value": {"amount": 2, "unit": "weeks"},
                            },
                            {"field": "patient.last_appointment_at", "op": "before", "value": "2026-01-31"},
                            {"field": "appointment.specialist", "op": "changed"},
                        ],
                    },
                ],
            },
        ],
    },
    "actions": [
        {
            "id": "first",
            "type": "create_task",
            "title": "Call “her”",
            "details": "two\nlines",
            "assign_to": "front_desk",
            "due_in_days": 0,
            "priority": "high",
            "timing": {"mode": "delay", "amount": 2, "unit": "weeks", "at": "09:30"},
            "only_if": {"match": "all", "items": [{"field": "patient.next_appointment_at", "op": "is_empty"}]},
            "note": "ask Felix",
            "disabled": True,
        },
        {
            "type": "create_task",
            "title": "Before it",
            "assign_to": "felix",
            "timing": {
                "mode": "relative",
                "amount": 24,
                "unit": "hours",
                "direction": "before",
                "anchor": "appointment.starts_at",
                "if_late": "send_now",
            },
        },
        {
            "type": "create_task",
            "title": "Then",
            "assign_to": "specialist",
            "timing": {
                "mode": "wait_for",
                "trigger": "appointment.summary_released",
                "within": {"amount": 3, "unit": "days"},
                "otherwise": "task",
            },
        },
    ],
    "settings": {
        "reentry": {"mode": "once_per_days", "days": 90},
        "stop_on": ["form.signed", "appointment.reopened"],
        "recheck": False,
        "hourly_cap": 40,
    },
}
