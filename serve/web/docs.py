"""The documentation, by files of a package: a browser fetches nothing from elsewhere."""

from __future__ import annotations

from importlib.metadata import distribution

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, Response

# its scripts are our own, styles it writes itself
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Retail forecast</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null
});
"""
_STATIC = distribution("swagger-ui-py").locate_file("swagger_ui/static")

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Show what can be asked, and let it be tried."""
    return HTMLResponse(PAGE, headers={"content-security-policy": POLICY})


@router.get("/docs/start.js")
async def start() -> Response:
    """Return the one line of script that is ours."""
    return Response(START, media_type="text/javascript")


@router.get("/docs/swagger-ui-bundle.js")
async def bundle() -> FileResponse:
    """Return the script of Swagger UI."""
    return FileResponse(f"{_STATIC}/swagger-ui-bundle.js")


@router.get("/docs/swagger-ui.css")
async def style() -> FileResponse:
    """Return its style."""
    return FileResponse(f"{_STATIC}/swagger-ui.css")
