"""Lists of directories, for malware scans."""

from sakimori.protect.declare import Resource, editing, text, texts

RESOURCE = Resource(
    id="directorylists",
    model="DirectoryList",
    many="directoryLists",
    key="directoryListID",
    title="Lists of directories, for malware scans.",
    rights=editing("antiMalwareRights/directoryListRights", "DirectoryLists"),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        texts("items"),
    ),
)
