// What a new connection says before any command, in one write:
//
//   AUTH [user] password · SELECT n · CLIENT SETNAME name · INFO server replication · PING
//
// PING is answered with LOADING or MASTERDOWN while the server is not ready; the connection is
// given up then and tried again later. A server that refuses the name, or PING for want of
// permission or of room on its disk (MISCONF), is usable all the same: it answers what reads.
// INFO tells whose data it holds; who may not ask for that treats each connection as a new server.

/// The opening exchange of a connection.
///
/// Pure.
struct Greeting {
    enum Verdict {
        case more
        case ready
        case failed(RedisError)
    }

    private enum Step {
        case authenticate, select, name, identity, ping
    }

    private let steps: [(Step, RedisCommand)]
    private var answered = 0
    /// Whose data the server holds, if it was asked and said so.
    private(set) var identity: ServerIdentity?

    /// - Parameter asksIdentity: whether to ask whose data the server holds.
    init(_ configuration: RedisConfiguration, asksIdentity: Bool = false) {
        var steps: [(Step, RedisCommand)] = []
        if let password = configuration.password {
            let user = configuration.username.map { [RedisArgument.string($0)] } ?? []
            steps.append((.authenticate, RedisCommand("AUTH", user + [.string(password)])))
        }
        if configuration.database != 0 {
            steps.append((.select, RedisCommand("SELECT", [.integer(configuration.database)])))
        }
        let name = configuration.permittedClientName
        if !name.isEmpty {
            steps.append((.name, RedisCommand("CLIENT", ["SETNAME", .string(name)])))
        }
        if asksIdentity { steps.append((.identity, ServerIdentity.question)) }
        steps.append((.ping, RedisCommand("PING", [])))
        self.steps = steps
    }

    var bytes: [UInt8] { steps.flatMap { $0.1.encoded } }

    /// Takes the reply to the next command.
    mutating func receive(_ reply: RedisValue) -> Verdict {
        let step = steps[answered].0
        answered += 1
        if let error = reply.error, isFatal(error, at: step) { return .failed(error) }
        if step == .identity { identity = ServerIdentity(reply) }
        return answered == steps.count ? .ready : .more
    }

    private func isFatal(_ error: RedisError, at step: Step) -> Bool {
        switch step {
        case .authenticate, .select: true
        case .name, .identity: false
        case .ping: error.code != .server("NOPERM") && error.code != .server("MISCONF")
        }
    }
}
