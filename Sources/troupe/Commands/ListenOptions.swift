import ArgumentParser
import NIOCore

/// Where `up`, `serve` and `gateway` listen, and how they leave.
struct ListenOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The address to listen on: an IP address of this machine, 0.0.0.0 or :: for all "
                + "(HOST; default 127.0.0.1).", valueName: "address"))
    var host: String?

    @Option(
        help: ArgumentHelp(
            "The same for the admin port, which tells everything to everybody "
                + "(TROUPE_ADMIN_HOST; default 127.0.0.1).", valueName: "address"))
    var adminHost: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seconds to go on serving after a stop was asked for and readiness has ended "
                + "(TROUPE_GRACE; default 0 for up, else 5).", valueName: "seconds"))
    var grace: String?

    static let graceMaximum = 600

    /// Where to listen; a command without these options goes by the variables.
    static func place(
        _ options: Self? = nil, in environment: EnvironmentOptions
    ) throws(CommandFailure) -> Addresses.Place {
        Addresses.Place(
            host: try address(options?.host, "HOST", flag: "--host", in: environment),
            adminHost: try address(
                options?.adminHost, "TROUPE_ADMIN_HOST", flag: "--admin-host", in: environment))
    }

    static func grace(
        _ options: Self?, in environment: EnvironmentOptions, default fallback: Int
    ) throws(CommandFailure) -> Duration {
        try environment.seconds(
            options?.grace, "TROUPE_GRACE", what: "the grace", within: 0...graceMaximum,
            remedy: "--grace \(fallback)") ?? .seconds(fallback)
    }

    /// Addresses only: some shells set HOST to this machine's name, and nobody who lives behind
    /// that default wants to be found there.
    private static func address(
        _ option: String?, _ variable: String, flag: String, in environment: EnvironmentOptions
    ) throws(CommandFailure) -> String {
        guard let text = environment.text(option, variable) else { return Addresses.host }
        if text == "localhost" { return Addresses.host }
        guard (try? SocketAddress(ipAddress: text, port: 0)) != nil else {
            throw CommandFailure(
                .usage,
                "\(option == nil ? variable : flag) is “\(text)”, which is not an IP address",
                remedy: "\(flag) \(Addresses.host), or 0.0.0.0 for all of this machine")
        }
        return text
    }
}
