import PlainText

/// How one answer is put together from parts, settled when the configuration is read.
///
///     order ──┬─► user        {order.userId}
///             └─► product     {order.productId}
///     payment                 {id}
///     shipment                {id}
///
/// Parts stand in the order of the file, which is their order in the answer. A part waits for
/// those that its placeholders name or `depends_on` lists, and for nothing else.
public struct AggregationPlan: Sendable {
    /// What a failed part means for the whole.
    public enum Failure: Sendable, Equatable {
        /// The whole fails, with this part's status.
        case fail
        /// The part is left out, and the answer says that it is incomplete.
        case omit
        /// This JSON stands in for it, and the answer says that it is incomplete.
        case substitute([UInt8])
    }

    /// What it means that an upstream has no such thing (404 or 410).
    public enum Absence: String, Sendable, CaseIterable {
        /// A failure like any other.
        case error
        /// It is `null`, and that is the truth: the answer is complete.
        case null
        /// It is left out, and that is the truth: the answer is complete.
        case omit
    }

    /// One call and its place in the answer.
    public struct Part: Sendable {
        /// Its name, for placeholders and logs.
        public var name: String
        /// The member of the answer that it becomes.
        public var field: String
        /// The upstream that is asked.
        public var upstream: String
        /// The path that is asked for; placeholders are route parameters and `part.member`.
        public var path: UpstreamPath
        /// What its failure means.
        public var failure: Failure
        /// What its absence means.
        public var absence: Absence
        /// Time for the call; `nil` leaves it to the upstream.
        public var timeout: Duration?
        /// The members that are taken over; `nil` takes all.
        public var select: [String]?
        /// What the part tells about; `part.member` of its own is known once it has come.
        public var tags: [TagTemplate]
        /// Indices of the parts that come before, without repetition, ascending.
        public var dependencies: [Int]
    }

    /// The parts in the order of the file.
    public let parts: [Part]
}

extension AggregationPlan {
    /// A part as it was written, with names for its dependencies.
    struct Draft {
        var part: Part
        var dependsOn: [(name: String, fault: (String) -> Void)]
        var fault: (String) -> Void
    }

    /// Resolves names to indices; whatever cannot be resolved is told where it stands.
    static func compile(_ drafts: [Draft], parameters: [String]) -> AggregationPlan {
        let names = drafts.map(\.part.name)
        var parts: [Part] = []
        for draft in drafts {
            var part = draft.part
            var dependencies: Set<Int> = []
            let fields = draft.part.tags.flatMap(\.fields).map { $0.split(separator: ".") }
                .filter { $0.count < 2 || $0[0] != draft.part.name }
            let references = draft.part.path.references + fields.map { $0.map(String.init) }
            for reference in references
            where reference.count > 1 || !parameters.contains(reference[0]) {
                if let index = names.firstIndex(of: reference[0]), reference.count > 1 {
                    dependencies.insert(index)
                } else {
                    draft.fault(unknown(reference, names, parameters))
                }
            }
            for (name, fault) in draft.dependsOn {
                if let index = names.firstIndex(of: name) {
                    dependencies.insert(index)
                } else {
                    fault(unknownPart(name, names))
                }
            }
            part.dependencies = dependencies.sorted()
            parts.append(part)
        }
        for index in parts.indices {
            guard let cycle = cycle(through: index, in: parts) else { continue }
            let way = cycle.map { names[$0] }.joined(separator: " → ")
            drafts[index].fault("parts wait for each other: \(way)")
            break
        }
        return AggregationPlan(parts: parts)
    }

    private static func unknown(
        _ reference: [String], _ names: [String], _ parameters: [String]
    ) -> String {
        let written = reference.joined(separator: ".")
        guard reference.count == 1 else { return unknownPart(reference[0], names) }
        if names.contains(written) {
            return "`{\(written)}` is a whole part; name a member, such as `{\(written).id}`"
        }
        let nearest = Spelling.nearest(to: written, of: parameters)
        return "the path has no parameter `{\(written)}`"
            + (nearest.map { "; did you mean `{\($0)}`?" } ?? "")
    }

    private static func unknownPart(_ name: String, _ names: [String]) -> String {
        let nearest = Spelling.nearest(to: name, of: names)
        return "there is no part `\(name)`" + (nearest.map { "; did you mean `\($0)`?" } ?? "")
    }

    /// The way from a part back to itself, if there is one.
    private static func cycle(through start: Int, in parts: [Part]) -> [Int]? {
        var way = [start]
        var visited: Set<Int> = []
        func search(_ index: Int) -> Bool {
            for next in parts[index].dependencies {
                way.append(next)
                if next == start { return true }
                if visited.insert(next).inserted && search(next) { return true }
                way.removeLast()
            }
            return false
        }
        return search(start) ? way : nil
    }
}
