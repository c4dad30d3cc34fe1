"""What is said of errors, and what is not."""

from __future__ import annotations

from serving import detail, file_of, serve


def test_errors_that_nobody_expected_are_not_shown(remover, monkeypatch, caplog) -> None:
    class Broken:
        checkpoint, device, plan = remover.checkpoint, remover.device, remover.plan
        asked_resize, fingerprint = remover.asked_resize, remover.fingerprint

        def sizes_of_passes(self, *arguments, **options):
            return remover.sizes_of_passes(*arguments, **options)

        def predictions(self, *arguments, **options):
            raise ValueError("secret path /srv/weights")

    with serve([{"lite": Broken()}]) as service:
        response = service.post("/api/remove", files={"file": ("a.png", file_of())})
        assert "the server's log says what" in detail(response, 500)
        assert "secret" not in response.text
        assert any(record.exc_info for record in caplog.records)
        assert service.services.pictures.admission.count == 0
