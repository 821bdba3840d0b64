import JSONText
import NIOCore

/// Where the parts of one aggregate stand, and what the answer becomes; pure.
///
///     waiting ─► running ─┬─► present
///        │                ├─► absent     the upstream has no such thing
///        └────────────────┴─► failed     or a part it needs did not come
///
/// The answer depends on outcomes and on the order of the plan, never on the order of arrival:
/// where several required parts fail, the first of the plan gives the status. It is decided, and
/// nothing else is waited for, once a required part has failed and all required ones before it
/// have come.
struct AggregationRun {
    /// How a part came out.
    enum Outcome: Sendable {
        case present(JSONPart)
        case absent(status: Int)
        case failed(GatewayProblem)
    }

    private enum State {
        case waiting
        case running
        case done(Outcome, Member)
    }

    /// What an outcome contributes to the answer.
    private enum Member {
        case value([UInt8])
        case nothing
        case fault(GatewayProblem)
    }

    /// What the answer is made of.
    struct Result {
        var status: Int
        var body: [UInt8]
        var isPartial: Bool
        var problem: GatewayProblem?
    }

    private let parts: [AggregationPlan.Part]
    private var states: [State]

    init(_ plan: AggregationPlan) {
        parts = plan.parts
        states = plan.parts.map { _ in .waiting }
    }

    /// The parts that can begin now; they count as running from here on.
    ///
    /// Parts that can never begin, because one they need did not come, fail here.
    mutating func begin() -> [Int] {
        var ready: [Int] = []
        var changed = true
        while changed {
            changed = false
            for index in parts.indices {
                guard case .waiting = states[index] else { continue }
                switch readiness(of: index) {
                case .ready:
                    states[index] = .running
                    ready.append(index)
                case .lost(let needed):
                    finished(index, .failed(Self.missing(needed)))
                    changed = true
                case .pending: continue
                }
            }
        }
        return ready
    }

    private enum Readiness {
        case ready, pending
        case lost(String)
    }

    private func readiness(of index: Int) -> Readiness {
        var isPending = false
        for dependency in parts[index].dependencies {
            switch states[dependency] {
            case .done(.present, _): continue
            case .done: return .lost(parts[dependency].name)
            case .waiting, .running: isPending = true
            }
        }
        return isPending ? .pending : .ready
    }

    static func missing(_ needed: String) -> GatewayProblem {
        GatewayProblem(502, "dependency_missing", "It needs `\(needed)`, which did not come.")
    }

    mutating func finished(_ index: Int, _ outcome: Outcome) {
        states[index] = .done(outcome, member(parts[index], outcome))
    }

    /// Whether what has not come yet can no longer change the answer.
    var isDecided: Bool {
        for (part, state) in zip(parts, states) where part.failure == .fail {
            guard case .done(_, let member) = state else { return false }
            if case .fault = member { return true }
        }
        return states.allSatisfy { state in
            if case .done = state { true } else { false }
        }
    }

    /// The value of a part that has come.
    func value(of name: String) -> JSONPart? {
        guard let index = parts.firstIndex(where: { $0.name == name }),
            case .done(.present(let value), _) = states[index]
        else { return nil }
        return value
    }

    /// The answer, once it is decided.
    func result() -> Result {
        var members: [[UInt8]] = []
        var errors: [[UInt8]] = []
        for (part, state) in zip(parts, states) {
            guard case .done(_, let member) = state else { continue }
            switch member {
            case .value(let value): members.append(Self.member(part.field, value))
            case .nothing: continue
            case .fault(let problem):
                if part.failure == .fail {
                    return Result(
                        status: problem.status, body: [], isPartial: false, problem: problem)
                }
                if case .substitute(let value) = part.failure {
                    members.append(Self.member(part.field, value))
                }
                errors.append(Self.error(part, problem))
            }
        }
        if !errors.isEmpty {
            let list = [UInt8(ascii: "[")] + errors.joined(separator: [UInt8(ascii: ",")])
            members.append(Self.member("_errors", list + [UInt8(ascii: "]")]))
        }
        let body = [UInt8(ascii: "{")] + members.joined(separator: [UInt8(ascii: ",")])
        return Result(status: 200, body: body + [UInt8(ascii: "}")], isPartial: !errors.isEmpty)
    }

    private func member(_ part: AggregationPlan.Part, _ outcome: Outcome) -> Member {
        switch outcome {
        case .present(let value):
            guard let select = part.select else { return .value(Array(value.bytes)) }
            return value.selecting(select).map(Member.value)
                ?? .fault(.init(502, "upstream_broken", "`\(part.name)` is not an object."))
        case .absent(let status):
            switch part.absence {
            case .null: return .value(Array("null".utf8))
            case .omit: return .nothing
            case .error:
                return .fault(.init(status, "\(part.name)_not_found", "There is no such thing."))
            }
        case .failed(let problem): return .fault(problem)
        }
    }

    private static func member(_ name: String, _ value: [UInt8]) -> [UInt8] {
        [UInt8](quoting: name) + [UInt8(ascii: ":")] + value
    }

    /// Says which part failed and how, in words that do not differ from time to time.
    private static func error(_ part: AggregationPlan.Part, _ problem: GatewayProblem) -> [UInt8] {
        Array("{\"part\":".utf8) + [UInt8](quoting: part.name)
            + Array(",\"status\":\(problem.status),\"code\":".utf8) + [UInt8](quoting: problem.code)
            + [UInt8(ascii: "}")]
    }
}
