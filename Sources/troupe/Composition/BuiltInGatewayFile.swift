/// A copy of `deploy/gateway.yaml`, for a program far from its package.
enum BuiltInGatewayFile {
    static let text = ""
}
