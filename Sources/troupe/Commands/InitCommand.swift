import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Writes a package to start a saga of one's own from.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Writes a package with a saga of your own, its services and its tests.",
        usage: "troupe init <name> [--troupe <folder or url>]",
        discussion: """
            The saga books a room, a seat and a car together; change it into yours. It builds,
            runs on any Redis and has tests that need none. Nothing that is there is touched: a
            folder that is not empty is refused.
            """)

    @Argument(help: ArgumentHelp("The package's name, or path/name.", valueName: "name"))
    var name: String

    @Option(
        help: ArgumentHelp(
            "Where Troupe is: a checkout's folder, or the URL of a repository (TROUPE_PACKAGE; "
                + "default the checkout that this program was built in).",
            valueName: "folder or url"))
    var troupe: String?

    @Flag(help: "Say what would be written, and write nothing.")
    var dryRun = false

    func run() async throws {
        let package = try NewPackage(at: name)
        try package.expectRoom()
        let source = try Self.source(troupe, in: .ofThisProcess, program: SupervisedService.program)
        let files = PackageTemplate(name: package.name, source: source).files
        if !dryRun { try package.write(files) }
        for (path, _) in files {
            try await LineOutput.standard.result("\(package.folder)/\(path)")
        }
        guard !dryRun else { return }
        await LineOutput.errors.line(
            """
            next:
              cd \(package.folder)
              swift test
              swift run Trips, and in another terminal: swift run Trips book Rome
            """)
    }

    /// - Parameter program: the path of this program, beside which its checkout may be.
    static func source(
        _ option: String?, in environment: EnvironmentOptions, program: String
    ) throws(CommandFailure) -> TroupeSource {
        guard let text = environment.text(option, "TROUPE_PACKAGE") else {
            if let path = checkout(above: program) { return .checkout(path) }
            throw CommandFailure(
                .usage, "this program does not stand in a checkout of Troupe any more",
                remedy: "troupe init --troupe <folder of a checkout, or URL of a repository>")
        }
        if text.contains("://") || text.hasPrefix("git@") { return .repository(text) }
        let path = standardized(text)
        guard isCheckout(path) else {
            throw CommandFailure(
                .usage, "\(text) is not a checkout of Troupe: there is no Sources/SagaTestKit",
                remedy: "--troupe <folder of a checkout, or URL of a repository>")
        }
        return .checkout(path)
    }

    private static func checkout(above program: String) -> String? {
        var parts = standardized(program).split(separator: "/")
        while parts.popLast() != nil {
            let path = "/" + parts.joined(separator: "/")
            if isCheckout(path) { return path }
        }
        return nil
    }

    private static func isCheckout(_ path: String) -> Bool {
        ["Package.swift", "Sources/SagaTestKit"].allSatisfy {
            FileManager.default.fileExists(atPath: "\(path)/\($0)")
        }
    }

    private static func standardized(_ path: String) -> String {
        var parts: [Substring] = []
        for part in DataFolder.absolute(path).split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
