import Saga
import SagaTestKit

/// What is to be simulated, as the command line says.
enum SimulationRequest {
    case help
    /// Seeds of some kinds, until something is wrong; perhaps with a fault that they have to find.
    case search(seeds: Range<UInt64>, kinds: [ShopKind], fault: PlantedFault?)
    /// One seed of a kind, with its trace.
    case replay(seed: UInt64, kind: ShopKind, fault: PlantedFault?)

    /// A slip on the command line, in a sentence that says what to type instead.
    struct Slip: Error {
        var text: String
    }

    static var usage: String {
        let width = ShopKind.allCases.map(\.rawValue.count).max() ?? 0
        let kinds = ShopKind.allCases.map { kind in
            let padding = String(repeating: " ", count: width - kind.rawValue.count + 2)
            return "  \(kind.rawValue)\(padding)\(kind.summary)"
        }
        return """
            Runs whole sagas of a shop while whatever can go wrong does, as seeds decide.

              tools/simulate --seeds N [--from S] [--kind K]
                  N seeds of each kind, or of one, until something is wrong
              tools/simulate --seed S [--kind K]
                  one seed of a kind, of \(ShopKind.faulty.rawValue) unless given, with its trace:
                  the same each time

            Either with --plant FAULT, to see whether the simulator finds it: one of those in
            Sources/Saga/Decisions/PlantedFault.swift.

            Kinds:
            \(kinds.joined(separator: "\n"))

            Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage.
            """
    }

    init(_ arguments: [String]) throws(Slip) {
        var values: [String: String] = [:]
        var rest = arguments[...]
        while let option = rest.popFirst() {
            if option == "--help" || option == "-h" {
                self = .help
                return
            }
            guard ["--seeds", "--from", "--seed", "--kind", "--plant"].contains(option) else {
                throw Slip(text: "“\(option)” is not an option; the options are in --help")
            }
            guard let value = rest.popFirst() else {
                throw Slip(text: "\(option) needs a value: \(option) \(Self.example(of: option))")
            }
            values[option] = value
        }
        let kind = try values["--kind"].map(Self.kind)
        let fault = try values["--plant"].map(Self.fault)
        switch (values["--seeds"], values["--seed"]) {
        case (let count?, nil):
            let first = try Self.number(values["--from"] ?? "0", of: "--from")
            let (end, overflows) = first.addingReportingOverflow(
                try Self.number(count, of: "--seeds"))
            guard !overflows else { throw Slip(text: "there are not so many seeds; type fewer") }
            self = .search(
                seeds: first..<end, kinds: kind.map { [$0] } ?? ShopKind.allCases, fault: fault)
        case (nil, let seed?):
            guard values["--from"] == nil else {
                throw Slip(text: "--from goes with --seeds; leave it out to replay a seed")
            }
            self = .replay(
                seed: try Self.number(seed, of: "--seed"), kind: kind ?? .faulty, fault: fault)
        case (nil, nil):
            throw Slip(text: "nothing to simulate; type --seeds 100, or --seed 7 to replay one")
        case (_?, _?):
            throw Slip(text: "--seeds searches and --seed replays; leave one of them out")
        }
    }

    private static func example(of option: String) -> String {
        switch option {
        case "--kind": ShopKind.faulty.rawValue
        case "--plant": PlantedFault.noTombstone.rawValue
        default: "100"
        }
    }

    private static func kind(_ text: String) throws(Slip) -> ShopKind {
        guard let kind = ShopKind(rawValue: text) else {
            let known = ShopKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw Slip(text: "“\(text)” is not a kind; type one of \(known)")
        }
        return kind
    }

    private static func fault(_ text: String) throws(Slip) -> PlantedFault {
        guard PlantedFault.canBePlanted else {
            throw Slip(text: "faults are in debug builds only; use tools/simulate")
        }
        guard let fault = PlantedFault(rawValue: text) else {
            throw Slip(
                text: "“\(text)” is not a fault; see Sources/Saga/Decisions/PlantedFault.swift")
        }
        return fault
    }

    private static func number(_ text: String, of option: String) throws(Slip) -> UInt64 {
        guard let number = UInt64(text) else {
            throw Slip(text: "\(option) takes a number from 0 up, not “\(text)”")
        }
        return number
    }
}
