import Yams

extension GatewayConfiguration {
    /// Reads the text of a configuration file.
    ///
    /// Everything wrong in it is reported at once, each with file, line and column.
    ///
    /// - Parameter file: how the file is called in messages.
    /// - Throws: `invalidConfiguration` with the faults in the order of the file.
    public init(yaml: String, file: String) throws(GatewayError) {
        let faults = ConfigurationFaults(file: file)
        self.init()
        if let root = Self.root(of: yaml, faults) {
            read(ConfigurationValue(node: root, path: "", faults: faults))
        }
        places = faults.places
        guard faults.all.isEmpty else {
            let sorted = faults.all.sorted { $0.place < $1.place }
            throw GatewayError(
                .invalidConfiguration,
                sorted.map(\.description).joined(separator: "\n"), faults: sorted)
        }
    }

    private static func root(of yaml: String, _ faults: ConfigurationFaults) -> Node? {
        // Some editors begin a file with a byte order mark; YAML 1.2 allows it, libyaml does not.
        let text =
            yaml.unicodeScalars.first == "\u{FEFF}"
            ? String(yaml.unicodeScalars.dropFirst()) : yaml
        do {
            guard let node = try compose(yaml: text) else {
                faults.add("the file is empty", at: .init())
                return nil
            }
            var rest = valueMaximum
            if isWithin(&rest, node) { return node }
            faults.add("with its aliases it holds more than \(valueMaximum) values", at: .init())
        } catch let error as YamlError {
            let (message, place) = explanation(of: error)
            faults.add(message, at: place)
        } catch {
            faults.add("the file is not YAML", at: .init())
        }
        return nil
    }

    /// A few lines of aliases of aliases can stand for more values than anybody can read.
    private static let valueMaximum = 100_000

    private static func isWithin(_ rest: inout Int, _ node: Node) -> Bool {
        rest -= 1
        guard rest >= 0 else { return false }
        if let sequence = node.sequence {
            for item in sequence where !isWithin(&rest, item) { return false }
        } else if let mapping = node.mapping {
            for (key, value) in mapping
            where !isWithin(&rest, key) || !isWithin(&rest, value) { return false }
        }
        return true
    }

    private static func explanation(of error: YamlError) -> (String, ConfigurationPlace) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return (problem, .init(line: mark.line, column: mark.column))
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.joined(separator: ", ")
            let mark = context.mark
            return ("names stand twice: \(names)", .init(line: mark.line, column: mark.column))
        default: return ("the file is not YAML", .init())
        }
    }

    private mutating func read(_ root: ConfigurationValue) {
        let top = root.section(ignoring: "x-")
        if let entry = top.optional("server") { server = Self.server(entry.section()) }
        if let entry = top.required("upstreams") { upstreams = Self.upstreams(entry.section()) }
        if let entry = top.optional("cache") { cache = Self.cache(entry.section()) }
        if let entry = top.required("routes") { readRoutes(entry) }
        if let entry = top.optional("invalidation") {
            let section = entry.section()
            invalidation = section.required("on")?.list().compactMap(Self.rule) ?? []
            section.finish()
        }
        if let entry = top.optional("auth") {
            entry.fault("authentication is not supported by this version; leave `auth` out")
        }
        top.finish()
    }

    // MARK: - Server and cache

    private static func server(_ section: ConfigurationSection) -> ServerConfiguration {
        var server = ServerConfiguration()
        server.host = section.string("host", default: server.host)
        if !server.host.utf8.allSatisfy({ ByteClass.of($0).contains(.authority) }) {
            section.optional("host")?.fault("an address or a host name expected")
        }
        server.port = section.integer("port", in: 0...65_535, default: server.port)
        let loops = section.integer("event_loops", in: 0...256, default: 0)
        server.eventLoops = loops == 0 ? nil : loops
        server.connections = section.integer(
            "connections", in: 1...1_000_000, default: server.connections)
        server.unsentLimit = section.size(
            "unsent", in: 1024 * 1024...1024 * 1024 * 1024 * 1024, default: server.unsentLimit)
        let sendBuffer = section.size("send_buffer", in: 0...1024 * 1024 * 1024, default: 0)
        server.sendBuffer = sendBuffer == 0 ? nil : sendBuffer
        if let limits = section.optional("limits")?.section() {
            server.limits = requestLimits(limits)
        }
        if let times = section.optional("timeouts")?.section() {
            server.headerTimeout = times.duration("header", default: server.headerTimeout)
            server.bodyTimeout = times.duration("body", default: server.bodyTimeout)
            server.idleTimeout = times.duration("idle", default: server.idleTimeout)
            server.writeTimeout = times.duration("write", default: server.writeTimeout)
            server.drainTimeout = times.duration("drain", default: server.drainTimeout)
            times.finish()
        }
        if let log = section.optional("access_log")?.section() {
            server.accessLog.isEnabled = log.flag("enabled", default: true)
            server.accessLog.hitShare = log.share("hits", default: 0)
            log.finish()
        }
        section.finish()
        return server
    }

    private static func requestLimits(_ section: ConfigurationSection) -> RequestLimits {
        var limits = RequestLimits()
        let head = 256...1024 * 1024
        limits.requestLine = section.size("request_line", in: head, default: limits.requestLine)
        limits.fieldLine = section.size("header_field", in: head, default: limits.fieldLine)
        limits.fieldList = section.size("header_list", in: head, default: limits.fieldList)
        limits.fieldCount = section.integer(
            "header_count", in: 1...10_000, default: limits.fieldCount)
        limits.body = section.size("body", in: 0...1024 * 1024 * 1024, default: limits.body)
        section.finish()
        return limits
    }

    private static func cache(_ section: ConfigurationSection) -> CacheConfiguration {
        var cache = CacheConfiguration()
        cache.byteLimit = section.size(
            "memory", in: 0...64 * 1024 * 1024 * 1024, default: cache.byteLimit)
        cache.entryLimit = section.integer(
            "entries", in: 0...100_000_000, default: cache.entryLimit)
        section.finish()
        return cache
    }

    private static func rule(_ value: ConfigurationValue) -> InvalidationRule? {
        let section = value.section()
        // Both become parts of a key and of a channel.
        let service = section.required("service")?.name() ?? ""
        let listed = section.required("events")
        let events = listed?.list().map { $0.name() } ?? []
        if let listed, events.isEmpty { listed.fault("at least one event expected") }
        let known: Set = ["subject", "type", "id", "correlationid"]
        let tags = section.tags("tags") {
            known.contains($0) || $0.hasPrefix("data.") && !$0.hasSuffix(".")
        }
        if tags.isEmpty { value.fault("`tags` is missing or empty") }
        section.finish()
        return InvalidationRule(events: events, service: service, tags: tags)
    }

    // MARK: - Upstreams

    private static func upstreams(_ section: ConfigurationSection) -> [UpstreamConfiguration] {
        section.names.compactMap { name in
            section.optional(name).map { upstream(name, $0) }
        }
    }

    private static func upstream(
        _ name: String, _ value: ConfigurationValue
    ) -> UpstreamConfiguration {
        let section = value.section()
        let targets = section.required("targets")
        let listed = targets?.list()
        var upstream = UpstreamConfiguration(
            name: name, targets: listed?.compactMap(target) ?? [])
        if listed?.isEmpty == true { targets?.fault("at least one URL expected") }
        upstream.timeout = section.duration("timeout", default: upstream.timeout)
        upstream.connectTimeout = section.duration(
            "connect_timeout", default: upstream.connectTimeout)
        upstream.idleTimeout = section.duration("idle_timeout", default: upstream.idleTimeout)
        if let retry = section.optional("retry")?.section() {
            upstream.attempts = retry.integer("attempts", in: 1...10, default: upstream.attempts)
            upstream.perTryTimeout = retry.duration(
                "per_try_timeout", default: upstream.perTryTimeout)
            upstream.retryBudget = retry.share("budget", default: upstream.retryBudget)
            retry.finish()
        }
        upstream.connections = section.integer(
            "connections", in: 1...10_000, default: upstream.connections)
        upstream.waiting = section.integer("waiting", in: 0...100_000, default: upstream.waiting)
        upstream.headerLimit = section.size(
            "max_header_size", in: 1024...1024 * 1024, default: upstream.headerLimit)
        upstream.bodyLimit = section.size(
            "max_body_size", in: 0...1024 * 1024 * 1024, default: upstream.bodyLimit)
        section.finish()
        return upstream
    }

    private static func target(_ value: ConfigurationValue) -> UpstreamTarget? {
        guard let target = UpstreamTarget(url: value.string()) else {
            value.fault("`http://host:port` without a path expected")
            return nil
        }
        return target
    }
}

extension UpstreamTarget {
    /// Reads `http://host:port` and nothing more.
    public init?(url: String) {
        guard url.hasPrefix("http://") else { return nil }
        var rest = url.dropFirst("http://".count)
        if rest.hasSuffix("/") { rest.removeLast() }
        var port = 80
        if let colon = rest.lastIndex(of: ":"), !rest.hasSuffix("]") {
            guard let number = Int(rest[rest.index(after: colon)...]), (1...65_535).contains(number)
            else { return nil }
            port = number
            rest = rest[..<colon]
        }
        if rest.hasPrefix("["), rest.hasSuffix("]") {
            rest = rest.dropFirst().dropLast()
        } else if rest.contains(":") {
            return nil
        }
        guard !rest.isEmpty, rest.utf8.allSatisfy({ ByteClass.of($0).contains(.authority) }),
            !rest.contains("["), !rest.contains("]")
        else { return nil }
        self.init(host: String(rest), port: port)
    }
}
