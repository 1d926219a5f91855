"""How Django REST framework and drf-spectacular are set; clinic.settings takes it in."""

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["clinic.api.renderers.JsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["clinic.api.parsers.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "clinic.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "clinic.api.problems.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Clinic Automations",
    "VERSION": "1",
    "SERVERS": [{"url": "/", "description": "This installation; every path begins with /api/v1/."}],
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": False,
    "COMPONENT_SPLIT_PATCH": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "clinic.api.introduction.introduce",
        "automations.api.openapi.add_rule_components",
        "clinic.api.schema.add_problems",
        "clinic.api.schema.add_links",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "docExpansion": "none", "filter": True},
}
