"""Files of the workspace: uploaded by people or by the bot, downloaded with a token."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.workspace import Workspace


@dataclass(frozen=True)
class Attachment:
    """A file that a person attaches to a message; `mimetype` is guessed from the name if ""."""

    name: str
    content: bytes
    mimetype: str = ""


@dataclass
class File:
    """A stored file; `content` is None until it is uploaded.

    `more` adds to or overrides the answer of files.info.
    """

    id: str
    name: str
    mimetype: str
    user: str
    created: int
    size: int
    content: bytes | None = None
    title: str = ""
    alt_text: str = ""
    channels: list[str] = field(default_factory=list)
    more: Json = field(default_factory=dict)
    is_deleted: bool = False


class Files:
    """All files, by id; the caller holds the workspace's lock."""

    def __init__(self, workspace: Workspace, base_url: str) -> None:
        self._workspace = workspace
        self._base_url = base_url
        self._files: dict[str, File] = {}

    def find(self, file_id: str) -> File | None:
        """Returns the file, even before its upload."""
        return self._files.get(file_id)

    def at(self, address: str) -> File | None:
        """Returns the file with this `url_private`, `url_private_download` or `permalink`."""
        for file in self._files.values():
            shown = self.wire(file)
            if address in (shown["url_private"], shown["url_private_download"], shown["permalink"]):
                return file
        return None

    def announce(self, name: str, size: int, user: str, alt_text: str = "") -> File:
        """Announces an upload."""
        created = int(self._workspace.now())
        mimetype = mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = File(self._workspace.new_id("F"), name, mimetype, user, created, size)
        file.alt_text = alt_text
        self._files[file.id] = file
        return file

    def add(self, attachment: Attachment, user: str) -> File:
        """Stores a file that a person attached."""
        file = self.announce(attachment.name, len(attachment.content), user)
        file.mimetype = attachment.mimetype or file.mimetype
        file.content = attachment.content
        return file

    def delete(self, file: File) -> None:
        """Deletes a file; messages show a tombstone in its place."""
        file.is_deleted, file.content = True, None
        file.name = file.title = file.alt_text = ""
        for channel in self._workspace.channels.values():
            for message in channel.messages.values():
                message.files = [
                    {"id": file.id, "mode": "tombstone"} if one.get("id") == file.id else one
                    for one in message.files
                ]

    def upload_url(self, file: File) -> str:
        """Returns the upload address."""
        return f"{self._base_url}/upload/{file.id}"

    def wire(self, file: File) -> Json:
        """Returns the object `file` of responses and events."""
        path = f"{self._workspace.team_id}-{file.id}"
        private = f"{self._base_url}/files-pri/{path}"
        kind = file.name.rpartition(".")[2].lower()
        alt_text = {"alt_txt": file.alt_text} if file.alt_text else {}
        return (
            alt_text
            | {
                "id": file.id,
                "created": file.created,
                "timestamp": file.created,
                "name": file.name,
                "title": file.title or file.name,
                "mimetype": file.mimetype,
                "filetype": kind,
                "pretty_type": kind.upper(),
                "user": file.user,
                "mode": "hosted",
                "editable": False,
                "is_external": False,
                "external_type": "",
                "is_public": True,
                "public_url_shared": False,
                "display_as_bot": False,
                "size": file.size,
                "url_private": f"{private}/{file.name}",
                "url_private_download": f"{private}/download/{file.name}",
                "permalink": f"{self._workspace.url}files/{file.user}/{file.id}/{file.name}",
                "channels": list(file.channels),
                "groups": [],
                "ims": [],
                "comments_count": 0,
            }
            | file.more
        )
