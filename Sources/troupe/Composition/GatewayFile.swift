import Gateway

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Finds and reads the gateway's configuration.
///
/// The first of: what was named, `deploy/gateway.yaml` in this folder, the same beside the
/// package that this program was built in, and the copy inside this program.
enum GatewayFile {
    struct Source {
        var name: String
        var text: String
    }

    static let usualPath = "deploy/gateway.yaml"

    static func find(
        _ named: String?, in environment: EnvironmentOptions
    ) throws(CommandFailure) -> Source {
        if let path = environment.text(named, "TROUPE_GATEWAY") {
            do {
                return Source(name: path, text: try FileText.read(path))
            } catch {
                throw CommandFailure(
                    .usage, "cannot read \(path): \(error.sentence)",
                    remedy: "name a file, or leave it out")
            }
        }
        for path in [usualPath] + besideThePackage {
            if let text = try? FileText.read(path) { return Source(name: path, text: text) }
        }
        return Source(name: "built-in gateway.yaml", text: BuiltInGatewayFile.text)
    }

    /// The port that a gateway takes if no option and no variable names one.
    static func port(
        _ named: String?, in environment: EnvironmentOptions
    ) throws(CommandFailure) -> Int {
        try read(find(named, in: environment)).server.port
    }

    /// Every fault becomes a line of the message, `file:line:column: what`.
    static func read(_ source: Source) throws(CommandFailure) -> GatewayConfiguration {
        let configuration: GatewayConfiguration
        do {
            configuration = try GatewayConfiguration(yaml: source.text, file: source.name)
        } catch {
            throw failure(error.faults)
        }
        let highest = Addresses.firstPortHighest
        guard (1...highest).contains(configuration.server.port) else {
            let place = configuration.place(of: "server.port")
            throw CommandFailure(
                .usage,
                "the gateway's configuration is wrong\n\(source.name):\(place.line):"
                    + "\(place.column): server.port is \(configuration.server.port), but must be 1 "
                    + "to \(highest), because the admin port is 100 above it")
        }
        return configuration
    }

    /// Each fault is a line of the message.
    static func failure(_ faults: [ConfigurationFault]) -> CommandFailure {
        let lines = faults.map(\.description).joined(separator: "\n")
        return CommandFailure(.usage, "the gateway's configuration is wrong\n\(lines)")
    }

    /// From `.build/<platform>/<configuration>/troupe` or `.build/<configuration>/troupe`.
    private static var besideThePackage: [String] {
        guard let program = CommandLine.arguments.first, program.contains("/") else { return [] }
        let folders = program.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        guard let build = folders.lastIndex(of: ".build") else { return [] }
        return [(folders[..<build] + [Substring(usualPath)]).joined(separator: "/")]
    }
}
