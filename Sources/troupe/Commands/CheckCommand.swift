import ArgumentParser
import Gateway

/// Reads a gateway's configuration as the gateway would, and says all that is wrong with it.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks a gateway configuration; each fault with file, line and column.",
        usage: "troupe check [file]",
        discussion: """
            It also warns, with line and column, of what works and is probably not meant: tags
            that nothing takes away or that nothing bears, upstreams that no route asks or that
            are the gateway itself. Exit code 0 when the file is right, 2 when it is not.
            """)

    @Argument(help: ArgumentHelp("The file (TROUPE_GATEWAY; default deploy/gateway.yaml)."))
    var file: String?

    func run() async throws {
        let source = try GatewayFile.find(file, in: .ofThisProcess)
        let configuration = try GatewayFile.read(source)
        for warning in configuration.warnings {
            try await LineOutput.standard.result("\(warning)")
        }
        try await LineOutput.standard.result(
            "\(source.name): "
                + Self.summary(
                    routes: configuration.routes.count, upstreams: configuration.upstreams.count))
    }

    static func summary(routes: Int, upstreams: Int) -> String {
        "\(routes) \(routes == 1 ? "route" : "routes") to "
            + "\(upstreams) \(upstreams == 1 ? "upstream" : "upstreams"), no faults"
    }
}
