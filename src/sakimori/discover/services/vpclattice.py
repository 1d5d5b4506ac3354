"""VPC Lattice: services and service networks, and whom their auth policies let call them."""

from __future__ import annotations

from sakimori.discover.declare import Detail, Listing, Resource, Service, Tie

_AUTH_POLICY = Detail(
    operation="GetAuthPolicy",
    parameters={"resourceIdentifier": "{arn}"},
    path="policy",
    under="AuthPolicy",
    absent=("ResourceNotFoundException",),
    when=lambda item: item.get("authType") == "AWS_IAM",
)

LATTICE_SERVICE = Resource(
    "AWS::VpcLattice::Service",
    items="items[]",
    arn="{arn}",
    name="{name}",
    details=(
        Detail(operation="GetService", parameters={"serviceIdentifier": "{arn}"}),
        _AUTH_POLICY,
        Detail(
            operation="ListServiceNetworkServiceAssociations",
            parameters={"serviceIdentifier": "{arn}"},
            path="items[]",
            under="ServiceNetworks",
        ),
    ),
    documents=("AuthPolicy",),
    relations=(Tie("in", "ServiceNetworks[].serviceNetworkArn"),),
)

NETWORK = Resource(
    "AWS::VpcLattice::ServiceNetwork",
    items="items[]",
    arn="{arn}",
    name="{name}",
    details=(
        Detail(operation="GetServiceNetwork", parameters={"serviceNetworkIdentifier": "{arn}"}),
        _AUTH_POLICY,
    ),
    documents=("AuthPolicy",),
)

SERVICE = Service(
    client="vpc-lattice",
    lists=(
        Listing(operation="ListServices", page_size=100, gives=(LATTICE_SERVICE,)),
        Listing(operation="ListServiceNetworks", page_size=100, gives=(NETWORK,)),
    ),
)
