import Foundation
import Synchronization
import TroupeRedisTestKit

@testable import troupe

/// Ports for a whole system: a block of 128 that nothing else in this process gets.
///
///     first        gateway, then the services       + 50   a Redis
///     first + 100  admin ports, one each
///
/// Outside the range from which the system takes ports for outgoing connections, where it says
/// so: one of those would stand in the way of a program that is started again. And below the
/// range from which the redis-servers of tests get theirs.
enum Ports {
    private static let blockSize = 128
    private static let given = Mutex<Set<Int>>([])

    static func free() async throws -> Addresses {
        for first in candidates() {
            guard given.withLock({ $0.insert(first).inserted }) else { continue }
            if await isFree(first) { return Addresses(gateway: first) }
        }
        throw NeverHappened(what: "a free block of ports")
    }

    private static func isFree(_ first: Int) async -> Bool {
        for port in Array(first..<first + 8) + [first + 50] + Array(first + 100..<first + 108)
        where await !PortProbe.isFree(host: Addresses.host, port: port) {
            return false
        }
        return true
    }

    /// Blocks in any order: another run of the tests may be under way on this machine.
    private static func candidates() -> [Int] {
        let outgoing = outgoingRange()
        let low = stride(from: 7_040, to: 20_000 - blockSize, by: blockSize).map { $0 }
        let high = stride(from: 32_768, to: 65_000, by: blockSize).map { $0 }
        let apart = { (block: Int) in !outgoing.overlaps(block..<block + blockSize) }
        return low.filter(apart).shuffled() + high.filter(apart).shuffled()
            + (low + high).filter { !apart($0) }.shuffled()
    }

    private static func outgoingRange() -> Range<Int> {
        let path = "/proc/sys/net/ipv4/ip_local_port_range"
        let text = try? String(contentsOfFile: path, encoding: .utf8)
        let bounds = (text ?? "").split { $0.isWhitespace }.compactMap { Int($0) }
        guard bounds.count == 2, bounds[0] < bounds[1] else { return 32_768..<65_536 }
        return bounds[0]..<bounds[1] + 1
    }
}
