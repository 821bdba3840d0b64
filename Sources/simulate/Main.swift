import Saga
import SagaTestKit

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Simulates the shop of the test kit, many seeds or one; results on stdout, talk on stderr.
@main
struct Main {
    static func main() {
        do throws(any Error) {
            switch try SimulationRequest(Array(CommandLine.arguments.dropFirst())) {
            case .help: print(SimulationRequest.usage)
            case .search(let seeds, let kinds, let fault):
                try PlantedFault.plant(fault) { try search(seeds, kinds) }
            case .replay(let seed, let kind, let fault):
                try PlantedFault.plant(fault) { try replay(seed, kind) }
            }
        } catch let slip as SimulationRequest.Slip {
            tell("simulate: \(slip.text)\n")
            exit(2)
        } catch {
            tell("simulate: the simulation cannot be made: \(error)\n")
            exit(1)
        }
    }

    private static func search(_ seeds: Range<UInt64>, _ kinds: [ShopKind]) throws {
        let isTerminal = isatty(STDERR_FILENO) == 1
        for seed in seeds {
            if isTerminal || (seed - seeds.lowerBound) % 100 == 0 {
                let place = "simulate: seed \(seed), \(seeds.upperBound - seed) to go"
                tell(isTerminal ? "\r\(place)\u{1B}[K" : "\(place)\n")
            }
            for kind in kinds {
                let faults = try ShopSimulation(seed: seed, kind).faults()
                guard !faults.isEmpty else { continue }
                if isTerminal { tell("\r\u{1B}[K") }
                show(faults, seed, kind)
                tell("simulate: see how: tools/simulate --seed \(seed) --kind \(kind.rawValue)\n")
                exit(1)
            }
        }
        if isTerminal { tell("\r\u{1B}[K") }
        let names = kinds.map(\.rawValue).joined(separator: ", ")
        print("nothing is wrong in \(seeds.count) seeds of \(names)")
    }

    private static func replay(_ seed: UInt64, _ kind: ShopKind) throws {
        let shop = ShopSimulation(seed: seed, kind, isTraced: true)
        let faults = try shop.faults()
        print(shop.simulation.trace.text)
        if faults.isEmpty {
            print("nothing is wrong in seed \(seed) of \(kind.rawValue)")
        } else {
            show(faults, seed, kind)
            exit(1)
        }
    }

    private static func show(_ faults: [String], _ seed: UInt64, _ kind: ShopKind) {
        print("wrong in seed \(seed) of \(kind.rawValue):")
        for fault in faults { print("  \(fault)") }
    }

    private static func tell(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
