# Masks lines as Fluentd's filters do, and times it. Standard input, JSON: `lines`, `replacements` (pattern and replacement),
# `checked` (Ruby of the filters with check digits), `seconds` of CPU time to measure. Output, JSON: `masked`, `rate`.

require "json"

input = JSON.parse($stdin.read)
replacements = input["replacements"].map { |pattern, replacement| [Regexp.new(pattern), replacement] }
checked = input["checked"].map { |code| eval("->(record) { #{code} }") }

mask = lambda do |line|
  replacements.each { |pattern, replacement| line = line.gsub(pattern, replacement) }
  checked.reduce(line) { |text, check| check.call({ "message" => text }) }
end

masked = input["lines"].map(&mask)
cpu = -> { Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) }
rates = input["timed"].map do |lines|
  start, count = cpu.call, 0
  while cpu.call - start < input["seconds"]
    lines.each(&mask)
    count += lines.size
  end
  count / (cpu.call - start)
end
puts JSON.generate({ masked: masked, rates: rates })
