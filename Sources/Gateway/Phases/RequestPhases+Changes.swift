import NIOCore
import NIOHTTP1

// What a request that may have changed something takes out of the cache, and when.
//
//     answer, or none ─► at once, before the client is answered
//       └─ nobody told that the upstream is through with it ─► once more, a while later
//                                                              └─ or when the gateway stops

extension RequestPhases {
    /// Runs after an unsafe request and before its answer is sent, so that whoever made the change
    /// never sees what was before it; also when its client hangs up meanwhile, who may look again.
    ///
    /// - Parameter answer: what was called, if it answered.
    func invalidate(_ exchange: Exchange, by answer: Called?) async {
        let tags = tags(changedBy: exchange, answer)
        // In a task of its own: a client that hangs up does not undo what was done.
        await Task { await invalidate(tags, named: exchange.name) }.value
    }

    /// The same without waiting for it.
    func invalidateSoon(_ exchange: Exchange) {
        invalidateSoon(tags(changedBy: exchange, nil), named: exchange.name)
    }

    private func invalidateSoon(_ tags: [CacheTag], named name: String) {
        changes.begin()
        Task {
            await invalidate(tags, named: name)
            changes.end()
        }
    }

    /// Runs once more a while after a change whose end nobody told.
    ///
    /// The upstream may make it after the first invalidation, when others have already kept what
    /// was before it. As much time again as the call had, and at most half a minute, is what it
    /// gets for that. A stop of the gateway ends the wait.
    func invalidateLater(_ exchange: Exchange, by answer: Called?) {
        let tags = tags(changedBy: exchange, answer)
        guard !tags.isEmpty, let number = lateChanges.add(tags) else { return }
        let spent = TimeAmount.nanoseconds(
            Moment.now().nanoseconds - exchange.began.nanoseconds)
        let delay = min(max(spent, .seconds(1)), .seconds(30))
        let name = exchange.name
        exchange.eventLoop.scheduleTask(in: delay) {
            if let tags = self.lateChanges.take(number) { self.invalidateSoon(tags, named: name) }
        }
    }

    /// Runs when the gateway stops and answers nobody any more: tells at once what was to be told
    /// later, and what the second level has not heard of.
    ///
    /// - Parameter limit: a second level that does not answer is given up then.
    func settleChanges(within limit: Duration) async {
        // Also when cancelled: nobody else knows of these changes.
        let settling = Task {
            let tags = Array(lateChanges.stop())
            for start in stride(from: 0, to: tags.count, by: Self.tagsAtOnce)
            where !Task.isCancelled {
                let end = min(start + Self.tagsAtOnce, tags.count)
                await invalidate(Array(tags[start..<end]), named: "stop")
            }
            var wait = Duration.milliseconds(10)
            while await !cache.settle(), !Task.isCancelled {
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .milliseconds(200))
            }
        }
        let timeout = Task {
            try await Task.sleep(for: limit)
            settling.cancel()
        }
        await settling.value
        timeout.cancel()
    }

    /// More would make one batch of commands that holds the others up.
    private static var tagsAtOnce: Int { 128 }

    private func invalidate(_ tags: [CacheTag], named name: String) async {
        guard !tags.isEmpty else { return }
        // A name of our own: a cause counts once, and a client could send one name twice.
        let cause = String(UInt64.random(in: .min ... .max), radix: 36) + ":" + name
        await cache.invalidate(tags, cause: cause)
    }

    private func tags(changedBy exchange: Exchange, _ answer: Called?) -> [CacheTag] {
        var tags = exchange.route.configuration.invalidates.compactMap {
            $0.tag(exchange.parameter)
        }
        // The upstream is asked under its own authority, and may answer with it.
        let authorities = [exchange.head.first(.host), answer?.server].compactMap(\.self)
        let paths = OwnWrite.paths(
            target: exchange.head.target.path, authorities: authorities,
            fields: answer?.server == nil ? nil : answer?.response.fields)
        for tag in paths.flatMap(keptTags) where !tags.contains(tag) { tags.append(tag) }
        return tags
    }

    /// What every answer that is kept for a path tells about.
    private func keptTags(at path: ByteBuffer) -> [CacheTag] {
        guard case .route(let index, let parameters) = router.match(path, .get),
            routes[index].policy != nil
        else { return [] }
        let route = routes[index]
        return route.tags(at: String(buffer: path)) { name in
            guard let place = route.parameters.firstIndex(of: name) else { return nil }
            let range = parameters[place]
            return path.getString(at: path.readerIndex + range.lowerBound, length: range.count)
                .map(PercentText.decoded)
        }
    }
}
