"""Lists of files, for malware scans."""

from sakimori.protect.declare import Resource, editing, text, texts

RESOURCE = Resource(
    id="filelists",
    model="FileList",
    many="fileLists",
    key="fileListID",
    title="Lists of files, for malware scans.",
    rights=editing("antiMalwareRights/fileListRights", "FileLists"),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        texts("items"),
    ),
)
