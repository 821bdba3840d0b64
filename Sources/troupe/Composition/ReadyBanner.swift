import ServiceLifecycle

/// Says when everything is ready: who listens where, and three things to try.
///
/// What is not ready in time, as it waits for something that a person may have to mend, keeps
/// nobody from the rest; it is named.
struct ReadyBanner: Service {
    var plan: UpPlan
    var source: RedisSource
    private static let listeningLimit = Duration.seconds(60)
    private static let readyLimit = Duration.seconds(15)

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
        let unready = await cancelWhenGracefulShutdown {
            await ReadinessProbe.unready(of: admins.map(\.authority), within: Self.readyLimit)
        }
        if Task.isCancelled || Task.isShuttingDownGracefully { return }
        for line in lines(unready) { await LineOutput.standard.line(line) }
        try await gracefulShutdown()
    }

    /// Waits until every port is listened on; the first at which nobody does in time.
    private func firstSilentPort() async -> Int? {
        for (name, port) in plan.addresses.all(without: plan.excluded) {
            let host = Addresses.reached(plan.addresses.host(of: name))
            let isReady = await PortProbe.becomesReady(
                host: host, port: port, within: Self.listeningLimit)
            guard isReady || Task.isCancelled else { return port }
        }
        return nil
    }

    /// Where each process tells how it is.
    private var admins: [(name: String, authority: String)] {
        let host = Addresses.reached(plan.addresses.place.adminHost)
        func admin(_ name: String, _ port: Int) -> (name: String, authority: String) {
            (name, Addresses.authority(host, port))
        }
        let gateway = admin("gateway", plan.addresses.admin)
        guard plan.usesProcesses else { return [gateway] }
        return [gateway]
            + SystemService.allCases.filter { !plan.excluded.contains($0) }
            .map { admin($0.rawValue, Addresses.admin(of: plan.addresses.port(of: $0))) }
    }

    private func lines(_ unready: [String]) -> [String] {
        let rows = admins.filter { unready.contains($0.authority) }.map {
            [$0.name, "http://\($0.authority)/readyz"]
        }
        return [plan.palette.bold("Troupe is up.") + " \(redisSentence)", ""]
            + (rows.isEmpty ? [] : ["Not ready yet; each says why:"] + TextTable.lines(rows) + [""])
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
