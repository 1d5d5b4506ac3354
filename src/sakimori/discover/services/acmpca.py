"""Private CA: certificate authorities, and who may have them issue certificates."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie

AUTHORITY = Resource(
    "AWS::ACMPCA::CertificateAuthority",
    items="CertificateAuthorities[]",
    arn="{Arn}",
    name="{CertificateAuthorityConfiguration.Subject.CommonName}",
    details=(
        Detail(
            operation="GetPolicy",
            parameters={"ResourceArn": "{Arn}"},
            path="Policy",
            under="Policy",
            absent=("ResourceNotFoundException", "InvalidStateException"),
        ),
    ),
    documents=("Policy",),
    relations=(Tie("logs-to", "RevocationConfiguration.CrlConfiguration.S3BucketName", "arn:{@partition}:s3:::{}"),),
)

SERVICE = Service(client="acm-pca", lists=(Listing(operation="ListCertificateAuthorities", gives=(AUTHORITY,)),))
