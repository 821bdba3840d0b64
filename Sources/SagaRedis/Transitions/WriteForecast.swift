import Saga

/// What the writes of one transition leave for those that come after them.
///
/// Redis is asked about records as they are; what an earlier write of the same transition makes
/// of one, only the transition itself can tell. Pure.
struct WriteForecast {
    /// What is to be asked about a record before a write to it.
    enum Need: Equatable {
        case nothing
        /// The record has to be of this type, or not there.
        case type(RecordName, String)
        /// The field has to be a number, or not there, and to stay within 64 bits with this added.
        case number(RecordName, field: String, sum: Double)
    }

    /// As the transition's script compares: far enough below 2^63 for a sum of doubles.
    private static let limit = 9.2e18

    private let writes: [Changes.Write]
    /// Types of records that a write has used, the latest last; nil once it is deleted.
    private var types: [(record: RecordName, type: String?)] = []
    /// Why the writes cannot all work, whatever the records hold.
    private(set) var fault: String?

    init(_ writes: [Changes.Write]) {
        self.writes = writes
        types.reserveCapacity(writes.count)
    }

    /// What the write at that index needs, which come in their order.
    mutating func need(at index: Int) -> Need {
        switch writes[index] {
        case .setFields(let record, _), .removeFields(let record, _):
            return use(record, as: "hash")
        case .addMember(let record, let member, let score):
            if score.isNaN {
                fault = fault ?? "the score of \(member) in \(record) is not a number"
            }
            return use(record, as: "zset")
        case .removeMember(let record, _):
            return use(record, as: "zset")
        case .increment(let record, let field, let amount):
            return sum(record, field, Double(amount), before: index)
        case .setText(let record, _, _):
            types.append((record, "string"))
            return .nothing
        case .delete(let record):
            types.append((record, nil))
            return .nothing
        case .setTimer, .cancelTimer:
            return .nothing
        }
    }

    private mutating func use(_ record: RecordName, as type: String) -> Need {
        let known = types.last { $0.record == record }
        types.append((record, type))
        guard let known else { return .type(record, type) }
        if let other = known.type, other != type {
            fault = fault ?? "\(record) is written as a \(other) and as a \(type)"
        }
        return .nothing
    }

    /// What is added to a field altogether, from where Redis knows it or an earlier write does.
    private mutating func sum(
        _ record: RecordName, _ field: String, _ amount: Double, before index: Int
    ) -> Need {
        let isKnown = types.contains { $0.record == record }
        _ = use(record, as: "hash")
        var sum = amount
        guard isKnown else { return .number(record, field: field, sum: sum) }
        for write in writes[..<index].reversed() {
            switch write {
            case .increment(record, field, let earlier):
                sum += Double(earlier)
            case .setFields(record, let fields):
                guard let text = fields[field] else { continue }
                return judge(
                    Int(text).flatMap { String($0) == text ? $0 : nil }, sum, record, field)
            case .removeFields(record, let fields) where fields.contains(field):
                return judge(0, sum, record, field)
            case .delete(record):
                return judge(0, sum, record, field)
            default: continue
            }
        }
        return .number(record, field: field, sum: sum)
    }

    private mutating func judge(
        _ start: Int?, _ sum: Double, _ record: RecordName, _ field: String
    ) -> Need {
        if start.map({ abs(Double($0) + sum) <= Self.limit }) != true {
            fault = fault ?? "\(field) of \(record) would not be a number within 64 bits"
        }
        return .nothing
    }
}
