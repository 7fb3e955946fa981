# Run as root in a helper: sh -c SCRIPT devenv LIMIT FORMAT DIRECTORY…
# It prints what find's FORMAT says of each DIRECTORY itself, and then of at most LIMIT entries
# below each, parents first, with an empty record behind them: what has none was not seen to the
# end. GNU find and head.
limit=$1
format=$2
shift 2
find -P "$@" -maxdepth 0 -printf "$format"
for directory in "$@"; do
    find -P "$directory" -ignore_readdir_race -xdev -printf "$format" | head -z -n "$limit"
    printf '\0'
done
