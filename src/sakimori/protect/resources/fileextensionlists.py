"""Lists of file name extensions, for malware scans."""

from sakimori.protect.declare import Resource, editing, text, texts

RESOURCE = Resource(
    id="fileextensionlists",
    model="FileExtensionList",
    many="fileExtensionLists",
    key="fileExtensionListID",
    title="Lists of file name extensions, for malware scans.",
    rights=editing("antiMalwareRights/fileExtensionListRights", "FileExtensionLists"),
    fields=(
        text("name", search=True, required=True, unique=True),
        text("description", search=True),
        texts("items"),
    ),
)
