import ServiceLifecycle

/// Says when everything is ready: who listens where, and three things to try.
struct ReadyBanner: Service {
    var plan: UpPlan
    var source: RedisSource
    private static let readyLimit = Duration.seconds(60)

    init(plan: UpPlan, source: RedisSource) {
        self.plan = plan
        self.source = source
    }

    func run() async throws {
        if let silent = await cancelWhenGracefulShutdown({ await firstSilentPort() }) {
            throw CommandFailure(
                .failure, "nothing listens at port \(silent) after a minute",
                remedy: "troupe up --log-level info")
        }
        if Task.isCancelled || Task.isShuttingDownGracefully { return }
        for line in lines { await LineOutput.standard.line(line) }
        try await gracefulShutdown()
    }

    /// Waits until every port is listened on; the first at which nobody does in time.
    private func firstSilentPort() async -> Int? {
        for (name, port) in plan.addresses.all(without: plan.excluded) {
            let host = Addresses.reached(plan.addresses.host(of: name))
            let isReady = await PortProbe.becomesReady(
                host: host, port: port, within: Self.readyLimit)
            guard isReady || Task.isCancelled else { return port }
        }
        return nil
    }

    private var lines: [String] {
        [plan.palette.bold("Troupe is up.") + " \(redisSentence)", ""]
            + TextTable.lines(addressRows) + ["", "Three things to try:"]
            + TextTable.lines(suggestions) + ["", "ctrl-C stops everything in order."]
    }

    private var redisSentence: String {
        switch source {
        case .own(let server, _):
            "It runs on a redis-server of its own (pid \(server.processID), data in "
                + "\(plan.settings.dataFolder)/redis)."
        case .found(let facts):
            facts.isAppendOnly
                ? "It runs on the Redis \(facts.version) that was there."
                : "It runs on the Redis \(facts.version) that was there, which loses data when it "
                    + "crashes; see troupe doctor."
        }
    }

    private var addressRows: [[String]] {
        let others = plan.usesProcesses ? "   # the gateway's; others have theirs 100 above" : ""
        return plan.addresses.all(without: plan.excluded).map { name, port in
            let authority = Addresses.authority(plan.addresses.host(of: name), port)
            return [name, "http://\(authority)" + (name == "admin" ? "/metrics\(others)" : "")]
        } + [["redis", plan.settings.redis.shown]]
    }

    private var suggestions: [[String]] {
        let tool = RedisTool(configuration: plan.settings.redis.configuration)
        let addresses = plan.addresses
        let gateway = "http://\(Addresses.authority(addresses.callHost, addresses.gateway))"
        let prefix = plan.settings.namespace.map { "\($0):" } ?? ""
        let order =
            #"{"userId":"1","productId":"1","quantity":1,"#
            + #""payment":{"method":"card","token":"tok_visa"},"#
            + #""shipping":{"street":"Main St 1","city":"Berlin","#
            + #""postcode":"10115","country":"DE"}}"#
        return [
            [
                "watch",
                "\(tool.watching) --raw PSUBSCRIBE '\(prefix)saga.*'",
            ],
            [
                "order",
                "curl -i \(gateway)/orders -H 'Content-Type: application/json' "
                    + "-H 'Prefer: wait=5' -d '\(order)'",
            ],
            ["cache", "curl -i \(gateway)/orders/1/details   # twice: see Cache-Status"],
        ]
    }
}
