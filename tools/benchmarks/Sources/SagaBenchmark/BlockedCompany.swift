import InstantShop
import SagaRedis
import TroupeRedis
import TroupeRedisTestKit

#if canImport(Glibc)
    import Glibc
#endif

// Completed orders whose carrier dispatches nothing for some minutes, and then everything.

enum BlockedCompany {
    static func measure(_ sagas: Int, seconds: Int) async throws {
        let server = try await SagaBenchmark.launch()
        let shop = try Shop(server: server)
        try await shop.stock(sagas * 2)
        try await shop.running {
            shop.strike.isOn = true
            try await shop.order(sagas)
            try await shop.completed(sagas)
            print("\(sagas) completed orders, a carrier that dispatches nothing for \(seconds) s")
            let started = ContinuousClock.now
            let step = max(seconds / 10, 1)
            for second in stride(from: step, through: seconds, by: step) {
                try await Task.sleep(until: started + .seconds(second), clock: .continuous)
                try await look(shop, at: second)
            }
            shop.strike.isOn = false
            let free = ContinuousClock.now
            try await shop.finished(sagas)
            let took = ContinuousClock.now - free
            print("  all dispatched \(took.seconds) s after it went on (goal: within 60 s)")
            let sent = try await shop.length("ShipmentDispatched", owner: "shipping")
            let asked = try await shop.length("OrderCompleted", owner: "order")
            print("  dispatched \(sent), asked \(asked)")
        }
        await shop.redis.shutdown()
        await server.stop()
    }

    private static func look(_ shop: Shop, at second: Int) async throws {
        let blocked =
            try await shop.redis.send(
                RedisCommand("ZCARD", ["saga:{shipping}:blocked"])
            ).integer ?? 0
        let server = try await SagaBenchmark.memory(of: shop.redis)
        let asked = try await shop.length("OrderCompleted", owner: "order")
        print(
            "  after \(second) s: blocked \(blocked), redis-server \(server / 1_000_000) MB, "
                + "this process \(residentBytes() / 1_000_000) MB, asked \(asked)")
    }

    /// What this process holds in memory; 0 where the system does not say.
    private static func residentBytes() -> Int {
        #if canImport(Glibc)
            guard let file = fopen("/proc/self/statm", "r") else { return 0 }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 128)
            guard fgets(&line, 128, file) != nil else { return 0 }
            let words = String(decoding: line.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .split(separator: " ")
            return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(getpagesize())
        #else
            return 0
        #endif
    }
}
