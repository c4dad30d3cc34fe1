"""What requests are made of: paths, methods, headers, media types and tools, known ones and odd ones."""

from __future__ import annotations

PATHS = (
    *(
        "/api/remove",
        "/api/batch",
        "/api/jobs",
        "/api/recipe",
        "/api/models",
        "/api/options",
        "/healthz",
        "/readyz",
        "/metrics",
    ),
    *(
        "/mcp",
        "/api/live",
        "/",
        "/page/main.js",
        "/page/../app.py",
        "/page/%2e%2e/%2e%2e/app.py",
        "/openapi.json",
        "/docs",
    ),
    *(
        "/api/jobs/@JOB@",
        "/api/jobs/@JOB@/result",
        "/api/jobs/@JOB@/events",
        "/api/jobs/@JOB@/cancel",
        "/api/jobs/%00",
    ),
    *(
        "/api/jobs/" + "x" * 200,
        "//evil.example/",
        "/%ff%fe",
        "/api/remove/",
        "*",
        "http://127.0.0.1/healthz",
        "/" + "a/" * 2000,
    ),
)
METHODS = (
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "get",
    "G\0T",
    "",
)
HEADERS = (
    *(
        "Range: bytes=0-",
        "Range: bytes=5-2",
        "Range: bytes=-1",
        "Range: bytes=0-1,3-4,5-",
        "Range: x",
        "Range: bytes=" + "0-1," * 500,
    ),
    *(
        "Accept-Encoding: gzip",
        "Accept: " + "a," * 200,
        "Origin: https://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
    ),
    *(
        "Authorization: Bearer x",
        "Authorization: Basic \xff",
        "Expect: 100-continue",
        "X: " + "x" * 5000,
        "Cookie: a=b",
        "Host: evil",
    ),
    *(
        "Content-Length: 5",
        "Content-Length: -1",
        "Content-Length: 99999999999",
        "Transfer-Encoding: chunked",
        "Upgrade: websocket",
    ),
    *(
        "Connection: close",
        "Connection: upgrade",
        "If-None-Match: *",
        "If-Range: x",
        "Content-Encoding: gzip",
        "Mcp-Session-Id: x",
    ),
    *(
        "Mcp-Protocol-Version: 9999",
        "X-Forwarded-For: 1.2.3.4",
        "Last-Event-ID: 5",
        " folded: line",
        "no colon",
        "\x00: \x01",
    ),
)
TYPES = (
    *(
        "image/png",
        "image/jpeg",
        "application/octet-stream",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "text/plain",
    ),
    *(
        "application/x-www-form-urlencoded",
        "application/json",
        "video/mp4",
        "application/zip",
        "",
        "x",
        "multipart/mixed; boundary=x",
    ),
    *(
        "multipart/form-data; boundary=" + "b" * 300,
        'multipart/form-data; boundary="a b"; charset=utf-99',
        "image/png; charset=\xff",
    ),
)
TOOLS = ("remove_background", "get_matte", "remove_background_batch", "list_models", "nosuch")
TOOL_KEYS = tuple(
    """
    path paths folder output overwrite image_base64 background_image type threshold crop format mode
    preview quality x
    """.split()
)
